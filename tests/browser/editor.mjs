// Uses an editor as a person does, in a real browser, and says what came of it:
//
//   node tests/browser/editor.mjs '{"url": "http://…/code-server/…/?tkn=…", "actions": [{"sees": "main.py"}, …]}'
//
// Actions, in order; each waits until it is so, and fails where it never is:
//   {"sees": "a/b.py"}      the explorer shows this file (its folders are opened)
//   {"lacks": "b.py"}       the explorer shows no such name in what is open of it
//   {"open": "a/b.py"}      it is opened in a tab
//   {"shows": "text"}       the open file has this text where one sees it
//   {"type": "text"}        at the end of the open file, key by key
//   {"saved": true}         the open file has what was typed on the container's disk: the editor saves by itself
//   {"run": "command"}      in a terminal; what it did is for the caller to see
//   {"go": "url"}           to another address; null: to the present one again
//   {"ended": true}         every socket is closed, and new ones are refused
//   {"rest": 60}            hands off, for so many seconds
// "status" is what the first answer must be (200); "screenshots" a folder for one picture an action; "timeout_ms" (30000)
// holds for each action. On stdout: {status, url, cookies, sockets, refused, actions: [{…, ms}]}. What fails is on stderr,
// with exit code 1. TEST_PLAYWRIGHT is the folder that has playwright-core, TEST_CHROMIUM the browser.
import { createRequire } from 'node:module';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { stripVTControlCharacters } from 'node:util';

const { chromium } = createRequire(path.join(process.env.TEST_PLAYWRIGHT ?? '.', 'x'))('playwright-core');

const SWITCHES = [
  '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update',
  '--disable-sync', '--disable-dev-shm-usage',
];
const EXPLORER = '.explorer-folders-view';
// The input of a chat is such an editor, too.
const LINES = '.part.editor .editor-instance .monaco-editor .view-lines';

class Editor {
  constructor(page, timeout) {
    Object.assign(this, { page, timeout, sockets: [], refused: [], file: '', typed: '', resources: '' });
    page.setDefaultTimeout(timeout);
    page.on('websocket', (socket) => {
      const seen = { open: true };
      this.sockets.push(seen);
      socket.on('close', () => { seen.open = false; });
      socket.on('socketerror', () => { seen.open = false; });
    });
    page.on('response', (response) => {
      // Below the version of the editor, whatever it is.
      this.resources ||= /^(.*\/stable-[0-9a-f]+)\/static\//.exec(response.url())?.[1] ?? '';
      if (response.status() >= 400) this.refused.push(`${response.status()} ${new URL(response.url()).pathname}`);
    });
  }

  async go(address) {
    const response = await this.page.goto(address ?? this.page.url(), { waitUntil: 'commit' });
    return response.status();
  }

  name(name) {
    return this.page.locator(`${EXPLORER} .monaco-list-row .label-name`).getByText(name, { exact: true }).first();
  }

  // The explorer's row of a file, its folders opened on the way.
  async row(file) {
    const parts = file.split('/');
    for (const [at, part] of parts.entries()) {
      await this.name(part).waitFor();
      const row = this.page.locator(`${EXPLORER} .monaco-list-row`).filter({ has: this.page.locator('.label-name').getByText(part, { exact: true }) }).first();
      if (at + 1 < parts.length && await row.getAttribute('aria-expanded') === 'false') await row.click();
    }
    return this.name(parts.at(-1));
  }

  async sees(file) { await this.row(file); }

  async lacks(name) { await this.name(name).waitFor({ state: 'detached' }); }

  async open(file) {
    await (await this.row(file)).dblclick();
    await this.page.locator(`.part.editor .tab.active[data-resource-name="${path.basename(file)}"]`).waitFor();
    await this.page.locator(LINES).first().waitFor();
    this.file = file;
  }

  async shows(text) {
    await until(this.timeout, async () => (await this.text()).includes(text), async () => `there is ${JSON.stringify(await this.text())}`);
  }

  // Blanks are drawn as other ones, and lines in any order.
  async text() {
    const lines = await this.page.locator(`${LINES} .view-line`).evaluateAll((found) => found
      .map((line) => [parseFloat(line.style.top), line.textContent]).sort((one, other) => one[0] - other[0]).map(([, text]) => text));
    return lines.join('\n').replaceAll('\u00a0', ' ');
  }

  async type(text) {
    await this.page.locator(LINES).first().click();
    await this.page.keyboard.press('Control+End');
    await this.page.keyboard.type(text);
    const last = text.split('\n').filter((line) => line.trim()).at(-1);
    if (last) await this.shows(last.trim());
    this.typed = text;
  }

  // Tabs are not marked as unsaved where that takes a second only. The editor gives out files as they are on its disk.
  async saved() {
    const read = () => this.page.evaluate(async (address) => {
      const response = await fetch(address, { cache: 'no-store' });
      return response.ok ? response.text() : `${response.status}`;
    }, `${this.resources}/vscode-remote-resource?path=${encodeURIComponent(`/workspace/${this.file}`)}`);
    await until(this.timeout, async () => (await read()).includes(this.typed), async () => `on disk there is ${JSON.stringify(await read())}`);
  }

  async run(command) {
    const input = this.page.locator('.terminal-wrapper.active .xterm-helper-textarea, .terminal-wrapper .xterm-helper-textarea').first();
    if (!await input.isVisible()) await this.page.keyboard.press('Control+`');
    await input.waitFor({ state: 'attached' });
    await input.focus();
    await this.page.keyboard.type(command);
    await this.page.keyboard.press('Enter');
  }

  // A socket that comes again must not live.
  async ended() {
    await until(this.timeout, () => this.sockets.length > 0 && this.sockets.every((socket) => !socket.open), () => 'a socket is open');
  }

  async rest(seconds) { await new Promise((done) => { setTimeout(done, seconds * 1000); }); }
}

async function until(timeout, holds, why) {
  const end = Date.now() + timeout;
  while (!await holds()) {
    if (Date.now() > end) throw new Error(await why());
    await new Promise((done) => { setTimeout(done, 50); });
  }
}

async function main(task) {
  const { url, actions = [], status: wanted = 200, screenshots, timeout_ms: timeout = 30000 } = task;
  if (screenshots) mkdirSync(screenshots, { recursive: true });
  const browser = await chromium.launch({
    executablePath: process.env.TEST_CHROMIUM ?? '/usr/bin/chromium', headless: true, chromiumSandbox: false, args: SWITCHES,
  });
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: 'en-US' });
  const editor = new Editor(await context.newPage(), timeout);
  const done = [];
  let doing = { go: '' };
  try {
    const status = await editor.go(url);
    if (status !== wanted) throw new Error(`the answer is ${status}, not ${wanted}`);
    for (doing of actions) {
      const [[verb, value]] = Object.entries(doing);
      if (!['sees', 'lacks', 'open', 'shows', 'type', 'saved', 'run', 'go', 'ended', 'rest'].includes(verb)) throw new Error('there is no such action');
      const start = performance.now();
      await editor[verb](value);
      done.push({ ...doing, ms: Math.round(performance.now() - start) });
      if (screenshots) await editor.page.screenshot({ path: path.join(screenshots, `${done.length}-${verb}.png`) });
    }
    const cookies = (await context.cookies()).map(({ name, path: at, domain, httpOnly, sameSite, secure }) => ({ name, path: at, domain, httpOnly, sameSite, secure }));
    const sockets = { all: editor.sockets.length, open: editor.sockets.filter((socket) => socket.open).length };
    console.log(JSON.stringify({ status, url: editor.page.url(), cookies, sockets, refused: editor.refused, actions: done }));
  } catch (error) {
    if (screenshots) await editor.page.screenshot({ path: path.join(screenshots, 'failed.png') }).catch(() => {});
    const [[verb, value]] = Object.entries(doing);
    console.error(`${verb} ${JSON.stringify(value)} failed after ${done.length} actions: ${stripVTControlCharacters(error.message)}`);
    console.error(`sockets: ${JSON.stringify(editor.sockets)}; refused: ${JSON.stringify(editor.refused.slice(-20))}`);
    process.exitCode = 1;
  } finally {
    await browser.close();
  }
}

await main(JSON.parse(process.argv[2]));
