import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.*;
import io.netty.channel.nio.NioEventLoopGroup;
import io.netty.channel.socket.nio.NioServerSocketChannel;

public class Main {
    public static void main(String[] args) throws Exception {
        new ServerBootstrap().group(new NioEventLoopGroup(1)).channel(NioServerSocketChannel.class)
            .option(ChannelOption.SO_BACKLOG, 1024).childHandler(new ChannelInboundHandlerAdapter())
            .bind("127.0.0.1", 8080).sync();
        Thread.currentThread().join();
    }
}
