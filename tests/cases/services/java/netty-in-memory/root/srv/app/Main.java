import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.*;
import io.netty.channel.nio.NioEventLoopGroup;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.local.LocalAddress;
import io.netty.channel.local.LocalServerChannel;

public class Main {
    public static void main(String[] args) throws Exception {
        new ServerBootstrap().group(new DefaultEventLoopGroup(1)).channel(LocalServerChannel.class).childHandler(new ChannelInboundHandlerAdapter())
            .bind(new LocalAddress("inside")).sync();
        new ServerBootstrap().group(new NioEventLoopGroup(1)).channel(NioServerSocketChannel.class)
            .option(ChannelOption.SO_BACKLOG, 47).childHandler(new ChannelInboundHandlerAdapter()).bind(8080).sync();
        Thread.currentThread().join();
    }
}
