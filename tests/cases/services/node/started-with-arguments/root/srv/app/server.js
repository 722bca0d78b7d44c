const http = require('http');
const [port, host] = process.argv.slice(2);
http.createServer().listen(port || 3000, host || '127.0.0.1');
