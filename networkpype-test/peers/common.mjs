// What the starters in JavaScript share: to say that something is missing, to run a server, to be ready, to end.
import { spawn } from 'node:child_process';
import { accessSync, constants, fstatSync, mkdtempSync, chmodSync, rmSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';

// Apache asks itself for keys; no proxy has anything to do with that.
process.env.NO_PROXY = process.env.no_proxy = '127.0.0.1,localhost';

const home = process.env.NETWORKPYPE_PEERS || path.join(os.homedir(), '.cache/networkpype-peers');
// The exit code by which a test knows that there is nothing to test against.
const NOT_INSTALLED = 69;
const endings = [];

export function notInstalled(what) {
  console.error(`${what} is not installed`);
  process.exit(NOT_INSTALLED);
}

// A module of npm, from where setup.sh put it.
export async function load(name) {
  try {
    return await (await import(path.join(home, 'npm/load.mjs'))).load(name);
  } catch (error) {
    if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
    return notInstalled(name);
  }
}

// The path of a program, which for a server may be in a folder that is on the administrator's PATH alone.
function program(name) {
  const folders = [...process.env.PATH.split(path.delimiter), '/usr/sbin', '/usr/local/sbin'];
  for (const file of folders.map((folder) => path.join(folder, name))) {
    try {
      accessSync(file, constants.X_OK);
      return file;
    } catch { /* the next one */ }
  }
  return notInstalled(name);
}

// A folder for the server's files, which goes with it. Apache gives up its rights before it reads there.
export function folder() {
  const made = mkdtempSync(path.join(os.tmpdir(), 'networkpype-peer-'));
  chmodSync(made, 0o755);
  process.on('exit', () => rmSync(made, { recursive: true, force: true }));
  return made;
}

export const listen = (server, port = 0) =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve(server.address().port));
  });

// Below the ports that the system hands out by itself, or one of those could be gone before the server takes it.
async function freePort() {
  for (;;) {
    const server = net.createServer();
    try {
      const port = await listen(server, 20000 + Math.floor(Math.random() * 12000));
      await new Promise((closed) => server.close(closed));
      return port;
    } catch { /* taken */ }
  }
}

const accepts = (port) =>
  new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false)).once('connect', () => socket.destroy());
  });

// Runs `name` with the arguments that `prepare(port)` gives, until it accepts connections; returns the port.
export async function run(name, prepare) {
  const file = program(name);
  for (let attempt = 1; attempt <= 5; attempt++) {
    const port = await freePort();
    // Nobody else can end the server when this process is killed without a word.
    const child = spawn('setpriv', ['--pdeathsig', 'TERM', file, ...prepare(port)], { stdio: ['ignore', 2, 2] });
    child.once('error', (error) => { throw error; });
    const ended = new Promise((resolve) => child.once('exit', resolve));
    for (let tries = 0; tries < 500 && child.exitCode === null; tries++) {
      if (await accepts(port) && child.exitCode === null) {
        endings.push(async () => {
          child.removeAllListeners('exit').kill();
          const killer = setTimeout(() => child.kill('SIGKILL'), 2000);
          await new Promise((resolve) => child.once('exit', resolve));
          clearTimeout(killer);
        });
        child.once('exit', (code) => {
          console.error(`${name} ended by itself with ${code}`);
          process.exit(1);
        });
        return port;
      }
      await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 20))]);
    }
    child.kill('SIGKILL');
    console.error(`${name} did not come up on port ${port}`);
  }
  return process.exit(1);
}

async function end() {
  await Promise.all(endings.splice(0).map((ending) => ending()));
  process.exit(0);
}

// Tells that connections are accepted, and from then on waits for the end.
export function ready(facts) {
  for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, end);
  const stdin = fstatSync(0);
  if (stdin.isFIFO() || stdin.isSocket()) process.stdin.on('end', end).on('error', end).resume();
  console.log('READY', ...Object.entries(facts).map(([key, value]) => `${key}=${value}`));
}
