// Sends "sign in" to our page: the emulator's own form needs scripts from the internet.
window.navigation?.addEventListener("navigate", (event) => {
  const to = new URL(event.destination.url);
  if (to.origin !== location.origin || !to.pathname.startsWith("/.auth/login/")) return;
  event.preventDefault();
  location.assign(`/dev-signin.html${to.search}`);
});
