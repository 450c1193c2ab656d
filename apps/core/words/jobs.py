"""Words for a job's steps and for what it waits for."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from apps.core.words.says import Text

STEPS: dict[str, Text] = {
    "ReadHostKey": _("Look at the key that the host shows"),
    "PickHost": _("Find a host"),
    "FetchTemplate": _("Bring the image to the storage"),
    "CreateVolumes": _("Create the disks"),
    "WriteSeed": _("Write the first-boot settings"),
    "PlugNics": _("Connect the network"),
    "DefineMachine": _("Define the machine"),
    "StartMachine": _("Start the machine"),
    "AskGuest": _("Ask the guest to power off"),
    "ForceOff": _("Make sure that it is off"),
    "ForgetMachine": _("Remove it from the host"),
    "ReleaseCompute": _("Free the host's CPU and memory"),
    "ClaimHost": _("Reserve CPU and memory"),
    "PointOfNoReturn": _("From here on it is finished, not taken back"),
    "PutAway": _("Move to the trash"),
    "DeleteFiles": _("Delete the disks"),
    "ForgetConsole": _("Forget the console log"),
    "LookAgain": _("Look at the host again"),
    "AwaitChildren": _("Wait for every machine"),
    "ReadConsole": _("Read the console"),
    "MakeChanges": _("Make the changes"),
    "ReadDirectory": _("Read the directory"),
    "RestMachines": _("Stop what runs"),
    "TryServers": _("Try each server"),
    "SettleAccounts": _("Count each account by the policy in force"),
    "ReadFacts": _("Ask what the host is made of"),
    "ReadPools": _("Look at the storage it reaches"),
    "ReadPool": _("Read the storage's size"),
    "OpenStorage": _("See whether the storage can be written"),
    "ReserveCopy": _("Reserve the copy"),
    "CopyImage": _("Copy the image"),
    "InspectImage": _("Inspect the image"),
    "HashImage": _("Work out its checksum"),
    "StoreImage": _("Store the image"),
    "RetireCopies": _("Withdraw the copies"),
    "DeleteCopies": _("Delete the copies"),
    "DeleteImage": _("Delete the image"),
    "HaltMachines": _("Stop the machines"),
    "SeeThatItIsDue": _("See that the time of grace is over"),
    "ReleaseAll": _("Delete all that it owns"),
    "RemoveAccounts": _("Delete its accounts"),
}

NOTES: dict[str, Text] = {
    "": "",
    "retrying": _("The last try failed for now; it is tried again"),
    "waiting_for_job": _("Waits for another job on the same object"),
    "waiting_for_children": _("Waits for its machines"),
    "counting_quotas": _("Counts the next accounts"),
    "waiting_for_guest": _("Waits for the guest to power off"),
    "waiting_for_host": _("Waits for its turn on the host"),
    "waiting_for_template": _("Waits for the image's copy"),
    "copying_template": _("Copies the image"),
    "hashing_image": _("Reads the whole image"),
    "ending_copy": _("Ends the copy"),
}

DOES: dict[str, Text] = {
    "quota.recount": _("Counts what each account uses anew, as the policy that is now set says."),
    "vm.deploy": _("Finds a host, creates the disks and the network card, and starts the machine."),
    "vm.deploy_batch": _("Deploys several machines, each by a job of its own, and waits for all of them."),
    "vm.start": _("Reserves CPU and memory on a host and starts the machine there."),
    "vm.stop": _("Asks the machine to power off, and switches it off if it does not in time."),
    "vm.force_stop": _("Switches the machine off at once, as pulling the plug would."),
    "vm.reboot": _("Asks the machine to power off, then starts it again on the same host."),
    "vm.destroy": _("Switches the machine off and moves it to the trash, from where it can be taken back."),
    "vm.expunge": _("Deletes the machine and its disks for good."),
    "vm.record_power": _("Makes the record of the machine follow what its host reports."),
    "vm.read_console": _("Fetches the end of what the machine wrote to its console."),
    "host.connect": _("Connects to the host, asks what it is made of and which storage it reaches."),
    "primary_storage.connect": _("Asks a host for the size of the storage and for what is used of it."),
    "secondary_storage.connect": _(
        "Opens the secondary storage on the portal's own machine and sees whether it can be written."
    ),
    "template.register": _("Inspects the uploaded image, works out its checksum and stores it."),
    "template.copy": _("Copies the image to a storage pool, so that machines can be made there."),
    "template.delete": _("Deletes the image and its copies."),
    "account.halt": _("Stops the machines of an account that was disabled, each by a job of its own."),
    "account.remove": _("Deletes what the account owns, each thing by a job of its own, then the account."),
    "domain.halt": _("Stops the machines of a domain that was disabled, each by a job of its own."),
    "domain.remove": _("Deletes the domain's accounts, each by a job of its own, then the domain."),
    "account.rest": _("Stops the machines of an account that nobody is left in, each by a job of its own."),
    "directory.preview": _("Reads the directory and keeps what its mapping would change."),
    "directory.sync": _("Reads the directory and follows it by the rules in force, portion by portion."),
    "directory.test": _("Tries each server of the directory, step by step."),
}
"""What a job of each kind does."""

_MACHINE = _(
    "Its host is asked first. A machine that runs there is recorded as running; one that is off is removed "
    "from the host, with its disks kept, and recorded as stopped."
)
_HALT = _("The job ends as failed. Machines that it asked to stop go on doing so, each by its own job.")
_REMOVE = _("The job ends as failed, and within a minute another one goes on with what is left.")
RESOLVES: dict[str, Text] = {
    "quota.recount": _("All accounts are counted anew, and the job ends as done."),
    "vm.deploy": _(
        "Its host is asked first. A machine that runs there is taken as deployed; of any other nothing "
        "remains: its disks, its address and its place on the host are given back."
    ),
    "vm.deploy_batch": _("The batch ends as failed. Its machines stay as they are, each with its own job."),
    "vm.start": _MACHINE,
    "vm.stop": _MACHINE,
    "vm.force_stop": _MACHINE,
    "vm.reboot": _MACHINE,
    "vm.destroy": _(
        "Its host is asked first. A machine that runs there is recorded as running; one that is off goes to "
        "the trash."
    ),
    "vm.expunge": _("What is left of the machine's files is deleted, then its record."),
    "vm.record_power": _("Its host is asked again, and the record follows what it says."),
    "vm.read_console": _("The job only looked: it ends as failed, and nothing else changes."),
    "host.connect": _("The job only looked: it ends as failed, and nothing else changes."),
    "primary_storage.connect": _("The job only looked: it ends as failed, and nothing else changes."),
    "secondary_storage.connect": _("The job only looked: it ends as failed, and nothing else changes."),
    "template.register": _("What was stored of the image is deleted, and it ends in Error."),
    "template.copy": _(
        "What was copied so far is deleted; the next machine that needs it starts a new copy."
    ),
    "template.delete": _("What is left of the image and of its copies is deleted, then its record."),
    "account.halt": _HALT,
    "account.remove": _REMOVE,
    "domain.halt": _HALT,
    "domain.remove": _REMOVE,
    "account.rest": _HALT,
    "directory.preview": _("The job only looked: it ends as failed, and nothing else changes."),
    "directory.sync": _("The run ends as failed. What it changed stays, and the next run does the rest."),
    "directory.test": _("The job only looked: it ends as failed, and nothing else changes."),
}
"""What resolving a stuck job of each kind leads to."""
