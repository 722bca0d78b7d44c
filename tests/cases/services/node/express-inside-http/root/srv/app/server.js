const express = require('express');
const http = require('http');
const https = require('https');

const app = express();
http.createServer(app).listen(3000, 200);
https.createServer({}, app).listen(3001);
