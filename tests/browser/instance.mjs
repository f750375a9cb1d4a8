// Opens an instance as a person does, in a real browser, talks to its WebSocket, and says what came of it:
//
//   node tests/browser/instance.mjs '{"url": "http://….localhost:…/?tkn=…", "elsewhere": "http://….localhost:…/"}'
//
// On stdout: {status, url, echo, cookies, script, cookie, elsewhere}. `echo` is what the socket said back, `script` what a
// script of the page sees of cookies, `cookie` what the program heard of them; `elsewhere` what a page of that other
// instance gets of this one: its socket, its page. Of a page that is refused, `status` alone. What fails is on stderr, with exit code 1. TEST_PLAYWRIGHT is the folder
// that has playwright-core, TEST_CHROMIUM the browser.
import { createRequire } from 'node:module';
import path from 'node:path';

const { chromium } = createRequire(path.join(process.env.TEST_PLAYWRIGHT ?? '.', 'x'))('playwright-core');
const SWITCHES = ['--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-sync', '--disable-dev-shm-usage'];

// In the page: what comes back through a socket, or 'refused'.
const talk = (address) => new Promise((done) => {
  const socket = new WebSocket(address);
  socket.onopen = () => socket.send('hello');
  socket.onmessage = (message) => done(message.data);
  socket.onerror = () => done('refused');
});

async function main({ url, elsewhere }) {
  const browser = await chromium.launch({
    executablePath: process.env.TEST_CHROMIUM ?? '/usr/bin/chromium', headless: true, chromiumSandbox: false, args: SWITCHES,
  });
  try {
    const context = await browser.newContext({ locale: 'en-US' });
    const page = await context.newPage();
    const status = (await page.goto(url)).status();
    if (status !== 200) {
      console.log(JSON.stringify({ status }));
      return;
    }
    const socket = new URL('/socket', page.url());
    socket.protocol = socket.protocol.replace('http', 'ws');
    const echo = await page.evaluate(talk, socket.href);
    const script = await page.evaluate(() => document.cookie);
    const { headers } = await page.evaluate(async () => (await fetch('/again')).json());
    const seen = { status, url: page.url(), echo, script, cookie: headers.cookie };
    if (elsewhere) {
      const other = await context.newPage();
      await other.goto(elsewhere);
      const reads = (address) => fetch(address, { credentials: 'include' }).then((answer) => answer.text(), () => 'refused');
      seen.elsewhere = { socket: await other.evaluate(talk, socket.href), page: await other.evaluate(reads, page.url()) };
    }
    seen.cookies = (await context.cookies()).map(({ name, domain, path: at, httpOnly, sameSite }) => ({ name, domain, path: at, httpOnly, sameSite }));
    console.log(JSON.stringify(seen));
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  } finally {
    await browser.close();
  }
}

await main(JSON.parse(process.argv[2]));
