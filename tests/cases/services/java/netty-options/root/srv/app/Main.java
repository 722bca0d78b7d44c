import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.*;
import io.netty.channel.nio.NioEventLoopGroup;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import java.net.InetSocketAddress;

public class Main {
    private static final int BACKLOG = Integer.parseInt(System.getProperty("backlog", "300"));

    static ServerBootstrap bootstrap() {
        return new ServerBootstrap()
            .group(new NioEventLoopGroup(1))
            .channel(NioServerSocketChannel.class)
            .childHandler(new ChannelInboundHandlerAdapter());
    }

    public static void main(String[] args) throws Exception {
        ServerBootstrap one = bootstrap();
        one.option(ChannelOption.SO_BACKLOG, BACKLOG);
        one.option(ChannelOption.SO_REUSEADDR, true);
        one.bind(8080).sync();
        ServerBootstrap child = bootstrap().childOption(ChannelOption.SO_KEEPALIVE, true);
        child.childOption(ChannelOption.SO_BACKLOG, 12);
        child.bind(8081).sync();
        bootstrap().option(ChannelOption.SO_BACKLOG, 0).bind(8082).sync();
        bootstrap().option(ChannelOption.SO_BACKLOG, -1).bind(8083).sync();
        bootstrap().option(ChannelOption.SO_BACKLOG, 5).option(ChannelOption.SO_BACKLOG, 44).bind(8084).sync();
        bootstrap().localAddress(new InetSocketAddress("localhost", 8085)).option(ChannelOption.SO_BACKLOG, 45).bind().sync();
        bootstrap().option(ChannelOption.SO_BACKLOG, 46).option(ChannelOption.SO_BACKLOG, null).bind(8086).sync();
    }
}
