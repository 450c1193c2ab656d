// The page that creates machines: what the dry run proposes is taken over in place, and a key pair is made
// without leaving the page. Without this script both are buttons of the form.
const form = document.getElementById("create-form");
document.documentElement.classList.add("js");

const changed = () => form.dispatchEvent(new Event("input", { bubbles: true }));

const use = (name, value) => {
  const radio = form.querySelector(`input[type="radio"][name="${name}"][value="${CSS.escape(value)}"]`);
  if (radio) radio.checked = true;
  else if (form.elements[name] && !(form.elements[name] instanceof RadioNodeList)) form.elements[name].value = value;
};

const generate = async (button) => {
  const body = new FormData(form, button);
  const answer = await fetch(button.formAction, { method: "POST", body });
  const key = answer.headers.get("X-SSH-Key");
  if (!key) {
    button.removeAttribute("data-generate"); // the answer is the page with the fault: let the form go there
    button.removeAttribute("aria-disabled");
    button.click();
    return;
  }
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await answer.blob());
  link.download = /filename="([^"]+)"/.exec(answer.headers.get("Content-Disposition") ?? "")?.[1] ?? "key.pem";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  form.elements.new_key_name.value = "";
  const ticked = Object.assign(document.createElement("input"), { type: "hidden", name: "ssh_keys", value: key });
  document.getElementById("keys-to-tick").append(ticked);
  form.elements.shown_for.value = "";
  const said = document.getElementById("generated");
  said.textContent = said.dataset.said;
  changed();
};

form?.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button?.hasAttribute("data-use")) {
    event.preventDefault();
    for (const [name, value] of new URLSearchParams(button.value)) use(name, value);
    document.getElementById("create").focus();
    changed();
  } else if (button?.hasAttribute("data-generate")) {
    event.preventDefault();
    button.setAttribute("aria-disabled", "true");
    generate(button)
      .catch(() => button.form.requestSubmit(button))
      .finally(() => button.removeAttribute("aria-disabled"));
  }
});
