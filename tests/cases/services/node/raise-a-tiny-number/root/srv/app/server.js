const http = require('http');

const BACKLOG = 5;
const options = { port: 3001, backlog: '6' };
http.createServer().listen(3000, BACKLOG);
http.createServer().listen(options);
http.createServer().listen(3002, '127.0.0.1', 7);
http.createServer().listen(3003, Number(process.env.BACKLOG || 8));
