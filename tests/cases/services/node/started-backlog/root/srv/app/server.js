const http = require('http');
const backlog = parseInt(process.env.BACKLOG || '511', 10);
http.createServer().listen(8080, '127.0.0.1', backlog);
