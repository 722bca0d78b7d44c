const http = require('http');

const secure = false;
const protocol = secure ? require('https') : http;
protocol.createServer().listen(3000, 200);
