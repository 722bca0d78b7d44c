run proc { [200, {}, ["ok"]] }
