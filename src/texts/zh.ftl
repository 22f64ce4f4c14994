# What the terminal dashboard says, in simplified Chinese; en.ftl explains the widths.

decimal-mark = .

banner-refer = 转诊
banner-clear = 未见异常
banner-ungradable = 无法判读
banner-fault = 故障
banner-ready = 就绪

verdict-refer = 转诊
verdict-clear = 未见异常
verdict-ungradable = 无法判读

reason-blank = 图像全黑或空白：请检查探头、耦合剂和增益
reason-no-sector = 图像中没有超声扇面：请检查信号源
reason-noise = 只有噪声，没有回声：请检查电缆和探头接触
reason-frozen = 图像静止不动：请解除超声机的冻结
reason-unfamiliar = 图像与模型已知的不同：请核对检查类型和探头
reason-too-little-evidence = 可用图像时间尚不足
reason-uncertain = 结果介于未见异常与转诊之间

flaw-blank = 空白
flaw-no-sector = 无扇面
flaw-noise = 噪声
flaw-frozen = 已冻结
flaw-unfamiliar = 图像陌生

state-idle = 待机
state-scanning = 扫查中
state-held = 已保持
state-ended = 已结束
exam = 检查 { $number } { $state }
no-exam = 尚未开始检查
press-start = 按空格键开始检查

fault-no-signal = 无信号：请检查电缆和超声机
fault-source-failed = 信号源故障：请检查信号源，然后重新启动 Sonolamp
fault-model-failed = 模型处理图像失败：请重新启动 Sonolamp

demo = 演示
notice = 非医疗器械
too-small = Sonolamp 至少需要 { $width } × { $height } 个字符

key-space = 空格
key-start = 开始检查
key-hold = 保持
key-end = 结束检查
key-new = 新检查
key-picture = 图像
key-map = 热图
key-outline = 轮廓
key-large = 大字
key-normal = 常规
key-quit = 退出

picture-hidden = 图像已隐藏
legend-for = 支持转诊
legend-against = 不支持

fact-evidence = 依据
fact-picture = 图像
fact-speed = 速度
fact-latency = 延迟
fact-frames = 帧数
fact-bundle = 模型
fact-lamps = 指示灯
single-pictures = 每幅图像单独判读
gathered = { $usable } / { $seen } 秒，需 { $needed } 秒
usable = 可用
not-judged = 当前未判读
masked = { $picture }，已遮盖 { $percent } %
speed = { $frames } 帧/秒
latency = { $median } ms p50，{ $slow } ms p99
frames = 采集 { $captured }，丢弃 { $dropped }

lamp-refer = 转诊
lamp-clear = 未见异常
lamp-attention = 注意

title-history = 转诊概率，最近 { $seconds } 秒
title-log = 日志

event-fault = 故障：{ $words }
event-fault-over = 故障已排除
event-source-ended = 信号源已结束
event-reason = { $verdict }：{ $reason }

term-regular = 正常
term-normal = 正常
term-pathologic = 异常
term-benign = 良性
term-malignant = 恶性
term-lesion = 病灶
term-cause = 病因
term-findings = 征象
term-pneumonia = 肺炎
term-covid-19 = 新冠肺炎
term-a-lines = A线
term-b-lines = B线
term-consolidation = 肺实变
term-effusion = 胸腔积液
