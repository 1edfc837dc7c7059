// The browser and the person at it, for oidc.mjs: opens URL, logs in as user1, and approves or declines.
//
//   node oidc_browser.mjs approve|decline URL
//
// URL is that of an authorization request, or a device's verification_uri_complete. Prints the address at which the browser
// arrived: the client's redirect, which is not followed, or the page that tells a device's user to go back to it.
const [answer, start] = process.argv.slice(2);
if (!['approve', 'decline'].includes(answer) || !start) {
  console.error('usage: oidc_browser.mjs approve|decline URL');
  process.exit(2);
}
const { origin } = new URL(start);
const cookies = new Map();

async function open(url, form) {
  const response = await fetch(url, {
    method: form ? 'POST' : 'GET',
    body: form && new URLSearchParams(form),
    headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
    redirect: 'manual',
  });
  for (const cookie of response.headers.getSetCookie()) {
    const [, name, value] = /^([^=]+)=([^;]*)/.exec(cookie);
    if (value) cookies.set(name, value); else cookies.delete(name);
  }
  return { url, status: response.status, location: response.headers.get('location'), text: await response.text() };
}

// What a person sends from this page, or undefined where there is nothing left to do.
function next({ url, location, text }) {
  if (location) return [new URL(location, url).href];
  const action = /<form[^>]* action="([^"]+)"/.exec(text)?.[1];
  // The page that asks for a device's code comes back once the user has declined.
  if (!action || /type="text" name="user_code"/.test(text)) return undefined;
  const form = Object.fromEntries([...text.matchAll(/<input type="hidden" name="(\w+)" value="([^"]*)"/g)].map(([, name, value]) => [name, value]));
  if (form.prompt === 'login') Object.assign(form, { login: 'user1', password: 'any' });
  // A device's user declines by a button of the form, any other by a link.
  if (answer === 'decline') {
    const link = /href="([^"]+\/abort)"/.exec(text)?.[1];
    if (link) return [new URL(link, url).href];
    if (/name="abort"/.test(text)) form.abort = 'yes';
  }
  return [new URL(action, url).href, form];
}

let page = await open(start);
for (let step = 0; step < 20; step++) {
  const request = next(page);
  if (!request || new URL(request[0]).origin !== origin) {
    console.log(request ? request[0] : page.url);
    process.exit(0);
  }
  page = await open(...request);
}
console.error(`there is no end to it: ${page.status} ${page.url}\n${page.text}`);
process.exit(1);
