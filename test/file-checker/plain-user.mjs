/**
 * For `node --import`: gives up the rights of root, by the number in CHECKER_USER. The kernel then forgets that this process is
 * to die with its parent, so it looks for that itself.
 */
const user = Number(process.env.CHECKER_USER);
const parent = process.ppid;

process.setgroups([]);
process.setgid(user);
process.setuid(user);
setInterval(() => {
  if (process.ppid !== parent) process.kill(process.pid, 'SIGKILL');
}, 1_000).unref();
