const express = require('express');
const Koa = require('koa');

class App {
  constructor() {
    this.app = express();
  }

  listen(port) {
    return this.app.listen(port, 200, () => console.log('ready'));
  }
}

class Site extends Koa {
  listen(port) {
    return super.listen(port, 201);
  }
}

new App().listen(3000);
new Site().listen(3001);
