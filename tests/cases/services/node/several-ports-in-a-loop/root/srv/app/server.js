const http = require('http');

for (const port of [3000, 3001]) {
  http.createServer().listen(port, 200);
}
