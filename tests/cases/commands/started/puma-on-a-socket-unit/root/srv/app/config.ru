run lambda { |env| [200, {}, ['']] }
