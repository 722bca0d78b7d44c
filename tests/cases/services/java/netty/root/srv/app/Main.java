import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.*;
import io.netty.channel.nio.NioEventLoopGroup;
import io.netty.channel.socket.nio.NioServerSocketChannel;

public class Main {
    public static void main(String[] args) throws Exception {
        ServerBootstrap b = new ServerBootstrap();
        b.group(new NioEventLoopGroup(1)).channel(NioServerSocketChannel.class).childHandler(new ChannelInboundHandlerAdapter());
        b.bind(8080).sync();
        Thread.currentThread().join();
    }
}
