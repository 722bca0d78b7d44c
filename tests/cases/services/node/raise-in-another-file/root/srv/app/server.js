const http = require('http');
const { web } = require('./config.json');
const { BACKLOG } = require('./limits');

http.createServer().listen(web);
http.createServer().listen(3001, BACKLOG);
