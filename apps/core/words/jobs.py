"""Words for a job's steps and for what it waits for."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from apps.core.words.says import Text

STEPS: dict[str, Text] = {
    "ReadHostKey": _("Look at the key that the host shows"),
    "PickHost": _("Find a host"),
    "FetchTemplate": _("Bring the template to the storage"),
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
}

NOTES: dict[str, Text] = {
    "": "",
    "retrying": _("The last try failed for now; it is tried again"),
    "waiting_for_job": _("Waits for another job on the same object"),
    "waiting_for_children": _("Waits for its machines"),
    "waiting_for_guest": _("Waits for the guest to power off"),
    "waiting_for_host": _("Waits for its turn on the host"),
    "waiting_for_template": _("Waits for the template's copy"),
    "copying_template": _("Copies the template"),
    "hashing_image": _("Reads the whole image"),
    "ending_copy": _("Ends the copy"),
}
