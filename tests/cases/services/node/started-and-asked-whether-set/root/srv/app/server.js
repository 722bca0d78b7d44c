const http = require('http');
let port = 3000;
if (process.env.PORT) {
  port = Number(process.env.PORT);
}
http.createServer().listen(port, '127.0.0.1');
