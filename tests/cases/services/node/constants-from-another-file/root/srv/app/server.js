const http = require('http');
const { PORT, backlog } = require('./config');
const limits = require('./limits.json');

http.createServer().listen(PORT, backlog);
http.createServer().listen(PORT + 1, limits.listen.backlog);
