// Makes the pictures of the family's page in the book, in a real browser and as a guardian would come to the page, and looks at what a picture
// does not show: that nothing is wider than the phone, that paper is one page, that nothing is asked of anybody else, and how long it takes.
//
//   node tests/scripts/pictures.mjs [FOLDER]
//
// FOLDER (docs/src/family) takes the pictures. CHROMIUM (chromium) and PROGRAMS (target/debug) say which browser and whose `carryover` and
// `carryover-tablet`. The demo district is founded anew, on a clock that is always the same. The browser is driven over a pair of pipes, by
// the protocol of its developer tools: https://chromedevtools.github.io/devtools-protocol/.

import { execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const folder = process.argv[2] ?? 'docs/src/family'
const programs = process.env.PROGRAMS ?? 'target/debug'
const chromium = process.env.CHROMIUM ?? 'chromium'
/** A Thursday afternoon: the demo's last day of school is the day before. */
const CLOCK = '2026-11-19T16:00:00-06:00'
/** Two people gave the first goal of this student different aims, and nobody has decided. */
const STUDENT = 's02'
const SPEECH = 'slp-1'
const PASSPHRASE = 'four words of our own'
const PHONE = { width: 320, height: 640, deviceScaleFactor: 1, mobile: true }
/** A letter sheet, in the pixels of a style sheet. */
const SHEET = { width: 816, height: 1056, deviceScaleFactor: 1, mobile: false }
const VIEWS = 20

const work = mkdtempSync(join(tmpdir(), 'pictures-'))
const running = []

function end(message) {
  throw new Error(message)
}

/** Runs a program to its end, and returns what it says. */
function run(program, ...words) {
  return JSON.parse(execFileSync(join(programs, program), ['--json', '--clock', CLOCK, ...words], { encoding: 'utf8' }))
}

/** Serves the demo district, and returns its announcement. */
async function demo() {
  const announced = join(work, 'announced')
  const words = ['--clock', CLOCK, 'demo', '--listen', '127.0.0.1:0', '--data', join(work, 'data'), '--announce', announced]
  const server = spawn(join(programs, 'carryover'), words, { stdio: 'ignore' })
  running.push(server)
  while (!existsSync(announced)) {
    if (server.exitCode !== null) end(`the demo ended with ${server.exitCode}`)
    await new Promise(resolve => setTimeout(resolve, 100))
  }
  return JSON.parse(readFileSync(announced, 'utf8'))
}

/** A colleague's tablet, paired and up to date. */
function tablet(announced, who) {
  const store = join(work, who)
  const say = (...words) => run('carryover-tablet', '--store', store, ...words)
  const { pairing_code } = announced.people.find(person => person.external_id === who)
  say('pair', '--server', announced.server, '--code', pairing_code)
  say('sync', '--until-done')
  return say
}

/** A browser with one page open. */
class Browser {
  constructor() {
    const words = ['--headless=new', '--no-sandbox', '--disable-gpu', '--hide-scrollbars', '--force-color-profile=srgb', `--user-data-dir=${join(work, 'browser')}`, '--remote-debugging-pipe', 'about:blank']
    const browser = spawn(chromium, words, { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] })
    running.push(browser)
    this.toBrowser = browser.stdio[3]
    this.waiting = new Map()
    this.events = []
    this.next = 1
    let rest = ''
    browser.stdio[4].setEncoding('utf8').on('data', text => {
      const messages = (rest + text).split('\0')
      rest = messages.pop()
      messages.forEach(message => this.hear(JSON.parse(message)))
    })
  }

  hear(message) {
    if (message.id === undefined) return void this.events.push(message)
    const { resolve, reject } = this.waiting.get(message.id)
    this.waiting.delete(message.id)
    message.error ? reject(new Error(message.error.message)) : resolve(message.result)
  }

  say(method, params = {}) {
    const id = this.next++
    this.toBrowser.write(`${JSON.stringify({ id, method, params, sessionId: this.session })}\0`)
    return new Promise((resolve, reject) => this.waiting.set(id, { resolve, reject }))
  }

  async open() {
    const { targetInfos } = await this.say('Target.getTargets')
    const { targetId } = targetInfos.find(target => target.type === 'page')
    this.session = (await this.say('Target.attachToTarget', { targetId, flatten: true })).sessionId
    for (const domain of ['Page', 'Network', 'Log', 'Runtime']) await this.say(`${domain}.enable`)
  }

  /** Does what leads to another page, and waits until that is there. */
  async arrive(how) {
    const seen = this.events.length
    await how()
    while (!this.events.slice(seen).some(event => event.method === 'Page.loadEventFired')) {
      await new Promise(resolve => setTimeout(resolve, 20))
    }
  }

  async look(expression) {
    const { result, exceptionDetails } = await this.say('Runtime.evaluate', { expression, returnByValue: true })
    if (exceptionDetails) end(exceptionDetails.text)
    return result.value
  }

  async picture(name, screen) {
    await this.say('Emulation.setDeviceMetricsOverride', screen)
    const height = Math.max(await this.look('document.documentElement.scrollHeight'), screen.fit ? 0 : screen.height)
    const clip = { x: 0, y: 0, width: screen.width, height, scale: 1 }
    const { data } = await this.say('Page.captureScreenshot', { clip, captureBeyondViewport: true })
    writeFileSync(join(folder, name), Buffer.from(data, 'base64'))
    console.log(`${join(folder, name)}: ${screen.width} x ${height}`)
  }
}

async function signIn(browser, guardian) {
  await browser.say('Emulation.setDeviceMetricsOverride', PHONE)
  await browser.arrive(() => browser.say('Page.navigate', { url: guardian.sign_in_url }))
  await browser.picture('sign-in-en.png', { ...PHONE, fit: true })
  const fill = `document.getElementById('invitation').value = ${JSON.stringify(guardian.invitation)}
    for (const id of ['new', 'new-again']) document.getElementById(id).value = ${JSON.stringify(PASSPHRASE)}
    document.getElementById('new').form.requestSubmit()`
  await browser.arrive(() => browser.look(fill))
}

/** Has a published visit corrected, so that the page says it. */
function correct(announced, student) {
  const say = tablet(announced, SPEECH)
  const record = say('record', '--student', student.id)
  const certified = record.sessions.filter(session => session.state === 'certified')
  const last = certified.sort((one, other) => one.start.localeCompare(other.start)).pop() ?? end('nothing is certified')
  say('amend', last.id, '--set', `minutes=${last.minutes - 5}`, '--reason', 'the bell rang early')
  say('certify', last.id)
  say('sync', '--until-done')
}

async function pictures() {
  const announced = await demo()
  const student = announced.students.find(student => student.external_id === STUDENT) ?? end(`no student ${STUDENT}`)
  const guardian = announced.guardians.find(guardian => guardian.student === student.id) ?? end(`nobody is a guardian of ${STUDENT}`)
  const browser = new Browser()
  await browser.open()
  await signIn(browser, guardian)
  correct(announced, student)
  const page = `${guardian.sign_in_url}/page`
  for (const language of ['en', 'es']) {
    await browser.arrive(() => browser.say('Page.navigate', { url: `${page}?language=${language}` }))
    await browser.look(`document.querySelector('details').open = true`)
    await browser.say('Emulation.setEmulatedMedia', { media: 'screen' })
    await browser.picture(`phone-${language}.png`, { ...PHONE, fit: true })
    const wide = await browser.look('document.documentElement.scrollWidth')
    if (wide > PHONE.width) end(`the page is ${wide} pixels wide`)
    if (!(await browser.look(`/\\(corre(cted on|gido el) /.test(document.body.textContent)`))) end('nothing is corrected')
    await browser.look(`document.querySelector('details').open = false`)
    await browser.say('Emulation.setEmulatedMedia', { media: 'print' })
    await browser.picture(`paper-${language}.png`, SHEET)
    const { data } = await browser.say('Page.printToPDF', { paperWidth: 8.5, paperHeight: 11, preferCSSPageSize: true })
    const sheets = Buffer.from(data, 'base64').toString('latin1').match(/\/Type\s*\/Page\b/g).length
    if (sheets !== 1) end(`on paper it takes ${sheets} pages`)
    await browser.say('Emulation.setEmulatedMedia', { media: 'screen' })
  }
  await time(browser, page)
  quiet(browser, announced.server)
}

/** Says how long the page takes, from asking to its last byte, and until it is drawn. */
async function time(browser, page) {
  const times = []
  for (let view = 0; view < VIEWS; view++) {
    await browser.arrive(() => browser.say('Page.navigate', { url: `${page}?language=en` }))
    const [asked, loaded] = await browser.look(
      `(() => { const it = performance.getEntriesByType('navigation')[0]; return [it.responseEnd - it.requestStart, it.loadEventEnd || it.domComplete] })()`,
    )
    times.push({ asked, loaded })
  }
  const middle = what => times.map(one => one[what]).sort((one, other) => one - other)[VIEWS / 2].toFixed(0)
  console.log(`the page is there after ${middle('asked')} ms and drawn after ${middle('loaded')} ms (the middle of ${VIEWS})`)
}

/** Looks at all that the browser complained of, and at whom it asked. */
function quiet(browser, server) {
  const said = browser.events.filter(event => event.method === 'Log.entryAdded' || event.method === 'Runtime.exceptionThrown')
  // A browser asks for an icon by itself, and there is none. What it would do otherwise, it says as verbose.
  const bad = said
    .map(event => event.params.entry ?? event.params)
    .filter(entry => entry.level !== 'verbose' && !entry.url?.endsWith('/favicon.ico'))
  if (bad.length > 0) end(`the browser complains: ${JSON.stringify(bad[0])}`)
  const asked = browser.events.filter(event => event.method === 'Network.requestWillBeSent').map(event => event.params.request.url)
  const elsewhere = asked.find(url => !url.startsWith(server) && url !== 'about:blank')
  if (elsewhere) end(`the page asks ${elsewhere}`)
  console.log(`${asked.length} requests, all of ${server}`)
}

try {
  await pictures()
} finally {
  for (const process of running) process.kill()
  await Promise.all(running.map(one => one.exitCode ?? new Promise(resolve => one.once('exit', resolve))))
  rmSync(work, { recursive: true, force: true, maxRetries: 5 })
}
