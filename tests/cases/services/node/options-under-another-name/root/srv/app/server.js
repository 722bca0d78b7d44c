const http = require('http');

const options = { host: '127.0.0.1', port: 3000, backlog: 9 };
const alias = options;
alias.backlog = 20;
http.createServer().listen(alias);

const settings = { web: { host: '127.0.0.1', port: 3001, backlog: 9 } };
settings.web.backlog = 21;
const web = settings.web;
http.createServer().listen(web);

const merged = { host: '127.0.0.1', port: 3002 };
const same = Object.assign(merged, { backlog: 5 });
same.backlog += 17;
http.createServer().listen(merged);

const copied = { ...options };
copied.port = 3003;
copied.backlog = 23;
http.createServer().listen(copied);

const without = { host: '127.0.0.1', port: 3004, backlog: 9 };
const short = without;
delete short.backlog;
http.createServer().listen(without);

const config = { port: 3005, backlog: 9 };
const same_config = config;
same_config.port = 3006;
http.createServer().listen(config.port, '127.0.0.1', config.backlog);
config.backlog = 10;

const server = http.createServer();
const other = server;
other.listen(3007, { backlog: 9 });

const defined = { host: '127.0.0.1', port: 3008 };
Object.defineProperty(defined, 'backlog', { value: 21 });
http.createServer().listen(defined);
