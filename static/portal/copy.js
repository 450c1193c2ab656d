// A button with data-copy="#place" puts what stands there on the clipboard, and says so for a moment.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-copy]");
  const place = button && document.querySelector(button.dataset.copy);
  if (!place) return;
  try {
    await navigator.clipboard.writeText(place.value ?? place.textContent);
  } catch {
    getSelection().selectAllChildren(place); // without leave to copy, the reader's own keys do it
    return;
  }
  const word = button.querySelector("span") ?? button;
  if (button.dataset.said) return;
  button.dataset.said = word.textContent;
  word.textContent = button.dataset.copied;
  setTimeout(() => {
    word.textContent = button.dataset.said;
    delete button.dataset.said;
  }, 2000);
});
