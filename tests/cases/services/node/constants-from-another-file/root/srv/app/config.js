const PORT = 3000;

module.exports = { PORT, backlog: 200 };
