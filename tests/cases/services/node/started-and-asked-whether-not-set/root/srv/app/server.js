const http = require('http');
let port = process.env.PORT;
if (!port) {
  port = 3000;
}
http.createServer().listen(port, '127.0.0.1');
