const http = require('http');

const PORT = 0xbb8;
const QUEUE = 2 * 1_024;
const deep = { listen: { backlog: 1 << 10 } };

http.createServer().listen(PORT, QUEUE);
http.createServer().listen(PORT + 1, deep.listen.backlog);
