// Who can be chosen, with the cookie of each: written by dev/demo.py beside this page.
async function main() {
  const people = await (await fetch("/dev-signin.json")).json();
  const list = document.getElementById("people");
  const template = document.getElementById("person");
  for (const person of people) {
    const entry = template.content.cloneNode(true);
    entry.querySelector("strong").textContent = person.principal.userDetails;
    entry.querySelector(".ko").textContent = person.ko;
    entry.querySelector(".en").textContent = person.en;
    entry.querySelector("button").addEventListener("click", () => signIn(person.cookie));
    list.append(entry);
  }
  list.querySelector("button")?.focus();
}

function signIn(cookie) {
  document.cookie = `StaticWebAppsAuthCookie=${cookie}; path=/; SameSite=Lax`;
  location.assign(target());
}

// Only a path of this site: the address may have been sent by somebody else.
function target() {
  const wanted = new URLSearchParams(location.search).get("post_login_redirect_uri") ?? "/";
  const url = new URL(wanted, location.origin);
  return url.origin === location.origin ? url.pathname + url.search + url.hash : "/";
}

void main();
