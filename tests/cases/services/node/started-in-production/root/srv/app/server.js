const http = require('http');
const port = process.env.NODE_ENV === 'production' ? 8080 : 3000;
http.createServer().listen(port, '127.0.0.1');
