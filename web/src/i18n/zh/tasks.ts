export default {
  title: '任务',
  status: { pending: '等待中', running: '运行中', completed: '成功', failed: '失败', cancelled: '已取消' },
}
