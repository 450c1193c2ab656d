// The code of a login link is in the URL's fragment, which never reaches a server or its logs.
const loginForm = document.querySelector("[data-login-link]");
if (loginForm && location.hash.length > 1) {
  loginForm.elements.token.value = decodeURIComponent(location.hash.slice(1));
  history.replaceState(null, "", location.pathname);
}

// A button that cannot be pressed stays focusable and says why.
document.addEventListener("click", (event) => {
  const button = event.target.closest('[aria-disabled="true"]');
  if (button) event.preventDefault();
});
