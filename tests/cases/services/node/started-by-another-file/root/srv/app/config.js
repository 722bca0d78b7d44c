module.exports = {
  port: process.env.PORT || 3000,
  backlog: Number(process.env.BACKLOG || 511),
};
