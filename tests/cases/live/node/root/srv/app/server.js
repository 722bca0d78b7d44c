const http = require('node:http');
const app = http.createServer((request, response) => response.end('well\n'));
app.listen(3000);
