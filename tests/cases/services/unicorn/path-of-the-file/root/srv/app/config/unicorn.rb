root = File.expand_path('../..', __FILE__)
working_directory root
listen "#{root}/unicorn.sock", backlog: Integer(ENV['BACKLOG'] || 77)
listen ENV.fetch('PORT', 8099).to_i, backlog: 99
