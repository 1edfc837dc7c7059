// Apache in a folder of its own: modules, then what `configuration` says.
import { existsSync, writeFileSync } from 'node:fs';
import { notInstalled, run } from './common.mjs';

const modules = '/usr/lib/apache2/modules';
// Started as root, it answers as somebody who may do nothing.
const user = process.getuid() === 0 ? 'User nobody\nGroup nogroup' : '';

export function apache(folder, names, configuration) {
  const missing = names.find((name) => !existsSync(`${modules}/mod_${name}.so`));
  if (missing) notInstalled(`Apache's mod_${missing}`);
  return run('apache2', (port) => {
    const file = `${folder}/apache.conf`;
    writeFileSync(file, `
${names.map((name) => `LoadModule ${name}_module ${modules}/mod_${name}.so`).join('\n')}
ServerName 127.0.0.1
Listen 127.0.0.1:${port}
ServerRoot ${folder}
DefaultRuntimeDir ${folder}
PidFile ${folder}/apache.pid
ErrorLog /dev/stderr
DocumentRoot ${folder}/www
StartServers 1
# Short of threads, it closes connections that are kept open, under requests that are on their way.
ServerLimit 1
ThreadLimit 128
ThreadsPerChild 128
MaxRequestWorkers 128
${user}
${configuration(port)}
`);
    return ['-d', folder, '-f', file, '-D', 'FOREGROUND'];
  });
}
