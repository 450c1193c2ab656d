// A form with a large file says how much of it was sent. Without a script the browser sends it by itself.
const say = (box, percent, text) => {
  box.hidden = false;
  box.querySelector("progress").value = percent;
  const line = box.querySelector("[role=status]");
  if (line.textContent !== text) line.textContent = text;
};

// The page as it was answered, with the file that was chosen: nobody has to choose it again. False if the answer
// is none of the portal's pages, as when something in between refuses so large a file.
const show = (text, form) => {
  const chosen = form.querySelector("input[type=file]");
  const main = new DOMParser().parseFromString(text, "text/html").getElementById("main");
  if (!main) return false;
  document.getElementById("main").replaceWith(main);
  main.querySelector("input[type=file]")?.replaceWith(chosen);
  document.getElementById("form-errors")?.focus();
  return true;
};

document.addEventListener("submit", (event) => {
  const form = event.target.closest("form[data-upload]");
  if (!form) return;
  event.preventDefault();
  const box = form.querySelector("[data-upload-progress]");
  const button = form.querySelector("button.btn-primary");
  const request = new XMLHttpRequest();
  const lost = () => {
    button.disabled = false;
    say(box, 0, box.dataset.lost);
  };
  button.disabled = true;
  request.upload.addEventListener("progress", ({ loaded, total }) => {
    const percent = total ? Math.floor((100 * loaded) / total) : 0;
    const tenth = Math.floor(percent / 10) * 10; // a screen reader is told ten times, not thousands
    say(box, percent, percent < 100 ? box.dataset.says.replace("{n}", tenth) : box.dataset.checking);
  });
  request.addEventListener("load", () => {
    if (request.status < 300) location.assign(request.responseURL);
    else if (!show(request.responseText, form)) lost();
  });
  request.addEventListener("error", lost);
  request.open("POST", location.href);
  request.send(new FormData(form));
});
