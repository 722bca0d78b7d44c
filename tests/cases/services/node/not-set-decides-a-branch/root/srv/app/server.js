const http = require('http');
function port() {
  if (process.env.HEROKU) return 80;
  return 3000;
}
http.createServer().listen(port(), '127.0.0.1');
