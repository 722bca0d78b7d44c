const http = require('http');
const express = require('express');

const host = process.env.HOST || '127.0.0.1';
http.createServer().listen(3000);
http.createServer().listen(3001, () => console.log('ready'));
http.createServer().listen(3002, host, () => console.log('ready'));
http.createServer().listen(process.env.PORT || 3003, // the port
  '127.0.0.1');
http.createServer().listen('/run/app.sock', function () {
  console.log('ready');
});
express().listen(3004);
http.createServer().listen();
