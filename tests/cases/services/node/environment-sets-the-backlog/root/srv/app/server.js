const http = require('http');

http.createServer().listen(3000, Number(process.env.BACKLOG ?? 1024));
