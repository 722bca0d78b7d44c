const http = require('http');

const settings = { port: 3000, queue: { backlog: 200 }, host: '127.0.0.1' };
const { port, host: address, queue: { backlog } } = settings;
http.createServer().listen(port, address, backlog);
