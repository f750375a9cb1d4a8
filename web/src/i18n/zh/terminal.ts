export default {
  title: '终端',
  again: '重新连接',
  read: '屏幕阅读器模式',
  keys: 'Ctrl+F6 离开终端；选中后 Ctrl+C 复制，Ctrl+V 粘贴',
  skipped: '[输出过快，部分内容未显示]',
  leaveHint: '终端中运行的程序会结束',
  phase: { opening: '连接中', open: '已连接', over: '已断开' },
  end: {
    exit: '终端已退出（退出码 {{code}}）',
    gone: '终端所在的容器已停止',
    lost: '与服务器的连接已断开，终端中的程序已结束',
    refused: '无法打开终端，请稍后重试',
    tooMany: '已打开 {{count}} 个终端，达到上限，请先关闭一个',
    idle: '超过 {{count}} 分钟没有输入，终端已关闭',
    full: '空间已满，终端已关闭；请先删除一些文件',
    closed: '服务器关闭了终端：可能正在重启，或你的权限有变化',
  },
}
