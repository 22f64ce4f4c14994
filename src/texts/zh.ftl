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
reason-too-little-evidence = 可用图像不足：请更久、更慢地扫查
reason-uncertain = 结果介于未见异常与转诊之间：请重新扫查或请医生查看

next-refer = 请医生查看；按 r 看原因
next-clear = 未见征象；症状更重要

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
exam-keeping = { $exam }，{ $keeping }
keeping-keeping = 保存中...
keeping-kept = 已保存
keeping-failed = 未保存
not-kept = 未保存：{ $words }
not-kept-look = 未保存：请检查存储，日志说明原因
no-exam = 尚未开始检查
press-start = 按空格键开始检查

fault-no-signal = 无信号：请检查电缆和超声机
fault-source-failed = 信号源故障：请检查信号源，然后重新启动 Sonolamp
fault-model-failed = 模型处理图像失败：请重新启动 Sonolamp
fault-safe-mode = 安全模式，不进行筛查：请联系技术人员

demo = 演示
notice = 非医疗器械
too-small = Sonolamp 至少需要 { $width } × { $height } 个字符

key-space = 空格
key-start = 开始检查
key-hold = 保持
key-end = 结束检查
key-new = 新检查
key-picture = 图像
key-live = 实时图像
key-frozen = 定格
key-map = 热图
key-outline = 轮廓
key-large = 大字
key-normal = 常规
key-quit = 退出

picture-hidden = 图像已隐藏
picture-frozen = 定格：最关键的图像，非实时
picture-live = 实时图像（检查已保持）
legend-for = 支持转诊
legend-against = 不支持
legend-note = 热图：不参与结论

fact-evidence = 依据
fact-picture = 图像
fact-speed = 速度
fact-latency = 延迟
fact-frames = 帧数
fact-bundle = 模型
fact-patient = 患者
fact-lamps = 指示灯
single-pictures = 每幅图像单独判读
gathered = { $usable } / { $seen } 秒，需 { $needed } 秒
sweep-on = 再扫查 { $seconds } 秒
sweep-surer = 目前已足够
sweep-enough = 已足够
sweep-short = 不足：请扫查更久
rests-on-window = 依据最近 { $seconds } 秒
rests-on-exam = 依据整次检查
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
event-kept = 检查已保存
event-not-kept = 检查未保存：{ $words }
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

# The views' tabs, 63 columns together with their numbers.
view-live = 实时
view-review = 回放
view-exams = 检查
view-device = 设备
view-help = 帮助
view-zones = 分区
watching = 旁观

key-back = 实时
key-help = 帮助
key-frame = 逐帧
key-page = 2 秒
key-telling = 关键
key-choose = 选择
key-open = 回放
key-scroll = 滚动
key-zone = 分区
key-score = 评分
key-reading = 医生判读
key-patient = 新患者
key-vitals = 体征
key-patient-entry = 登记
key-unlock = 解锁
key-search = 查找
key-export = 导出
key-send = 发送
key-erase = 删除
key-lock = 锁定
key-field = 项目
key-take = 采用
key-drop = 放弃

# Review; names at most 10 columns.
review-empty = 尚未扫查。检查中看到的图像在此保留一分钟。
fact-moment = 时间
fact-exam = 检查
fact-score = 分数
fact-place = 帧
ago = { $seconds } 秒前

# The list of exams; columns of 6, 9, 9, 16, 12, 10 and 10.
exams-empty = 尚无检查。启动以来的每次检查都会列在这里；按 Enter 打开。
exams-number = 检查
exams-start = 开始
exams-length = 时长
exams-verdict = 结论
exams-score = 分数
exams-usable = 可用
exams-state = 状态
exam-open = 进行中

# The box; names at most 15 columns.
device-source = 信号源
device-delivers = 传送
device-camera = 摄像头
device-driver = 指示灯驱动
device-lines = 指示灯线路
device-board = 主板
device-heat = 温度
device-power = 供电
device-disk = 存储
device-memory = 内存
device-clock = 时钟
device-running = 已运行
device-bundle = 模型包
device-task = 用途
device-licence = 许可
device-thresholds = 阈值
device-version = 版本
device-update = 更新
unknown = 本机无法得知
level-high = 高
level-low = 低
level-blinks = 闪烁
degrees = { $degrees } °C
power-good = 正常
power-low = 电压过低：请换更强的电源和短电缆
power-slowed = 因过热或欠压而降速：检查风扇和电源
power-earlier = 目前正常；启动后曾欠压或过热
free-of = 剩余 { $free } / { $size } GB
read-only = 只读
clock-not-set = 未设置：时间不可信
clock-set = 已设置
clock-kept = 由时间服务器校准
thresholds = 未见异常 ≤ { $clear }，转诊 ≥ { $refer }

# Help.
help-connect = 涂凝胶，放上探头。图像会自动出现。
help-start = 按空格键（或设备按钮）开始检查。
help-sweep = 缓慢扫查，直到圆环填满：图像已足够得出结论。
help-hold = 按空格键保持：此时结论基于整次检查。
help-next = 再按空格键结束检查，再按一次为下一位患者。
means-refer = 模型发现疾病征象。请由医生查看。
means-clear = 模型未发现疾病征象。模型可能出错：症状更重要。
means-ungradable = 没有结论；原因和下一步写在大字下方。
means-fault = 设备无法工作；文字说明如何处理。
help-key-button = 开始、保持、结束、下一位：同一个按钮
help-key-new = 放弃当前内容，开始下一次检查
help-key-views = 切换视图
help-key-review = 回看；已保持的检查从关键帧打开
help-key-move = 一帧或两秒；列表中的行
help-key-telling = 最能支持结论的两秒
help-key-map = 模型关注部位的热图，不参与结论
help-key-score = 使用方案时：本区肺部评分，0 到 3
help-key-reading = 使用方案时：医生对本区的判读
help-key-vitals = 使用方案时：输入生命体征；有危险体征的患者须转诊
help-key-patient = 保存检查时：受检者是谁，可输入、扫码或选择
help-key-unlock = 已保存的检查：用密钥或密码短语解锁；重新锁定
help-key-kept = 解锁后：按姓名或编号查找；导出到U盘；发送到PACS；永久删除检查
help-key-picture = 显示或隐藏图像
help-key-frozen = 已保持的检查：定格的关键图像，或实时图像
help-key-large = 结论占满整个屏幕
help-key-back = 返回实时视图
help-key-quit = 退出 Sonolamp
help-key-mouse = 点击标签；滚轮移动
mouse = 鼠标

# What to do about the picture now, at most 29 columns.
advice-no-echo = 无回声：涂凝胶放探头
advice-too-dark = 太暗：提高增益
advice-small-sector = 图像太小：放大
advice-cut-sector = 图像被截：显示全部
advice-poor-contact = 接触不良：多涂凝胶
advice-too-bright = 太亮：降低增益
advice-hold-still = 晃动过大：保持不动

# Vital signs; names at most 20 columns, hints at most 24, what is refused at most two rows of 54.
vitals = 生命体征
vitals-hint = 不知道的留空。
vital-age = 年龄
vital-spo2 = SpO2
vital-respiratory-rate = 呼吸频率
vital-temperature = 体温
vital-age-hint = 34：岁，7m：月
vital-no-age = 年龄无效：整岁如 34；不满一岁用月，如 7m
vital-needs-age = 请同时输入年龄：限值取决于年龄
vital-wrong = { $value } 不可能正确：请输入 { $least } 到 { $most } { $unit }
age-years = { $years } 岁
age-months = { $months } 个月

patient = 患者
patient-number = 编号
patient-name = 姓名
patient-born = 出生日期
patient-sex = 性别 F/M/O
patient-operator = 操作者
patient-entered = 已在设备上登记
patient-expected = 候诊：{ $patients }
patient-hint = 不知道的留空。扫描编号可找到候诊患者。
patient-amends = 同时修改 { $exams } 个已保存的检查。换患者请先按 n。
patient-no-date = 出生日期无效：输入 1961、1961-04 或 1961-04-30

archive-locked = 已锁定
archive-opening = 正在解锁...
archive-shut = 已锁定：按 u 输入 PIN
archive-open = 已解锁
archive-kept = 已保存 { $exams } 个检查，剩余 { $free } GB
archive-search = 含“{ $text }”
archive-page = 第 { $page } 页
archive-full = 已满：移交并删除检查后才能开始新检查
archive-hint = 已移交的检查可以删除。
archive-empty = 没有这样的检查。
archive-unreadable = 无法打开
archive-no-date = 时钟未设置
archive-date = 日期 (UTC)
archive-verdict = 结论
archive-score = 评分
archive-zone = 区
archive-patient = 患者
archive-handed = 移交
mark-exported = 已导出
mark-sent = 已发送
mark-waits = 待发送
said-reading = 正在读取检查：{ $percent } %
said-wrong-pin = PIN 错误：再错 { $left } 次密钥将被清除
said-forgotten = 密钥已清除：请重新解锁
said-erased = 检查已删除
said-exporting = 正在导出检查……
said-exported = 已导出到 { $folder }
said-queued = 将发送
sending-reading = 发送：正在读取检查...
sending-going = 发送：{ $objects } 个对象中已送达 { $taken } 个
sending-sent = 已发送 { $exams } 例，PACS 已全部收到
sending-waits = 尚未发送 { $exams } 例，解锁期间会重试：{ $why }
opened-foreign = 由另一模型判断：此处无评分和热图
opened-unmapped = 无热图：模型所见超出保存的图像

ask-passphrase = 密码短语
ask-passphrase-hint = 按顺序输入密码短语的各个词。
ask-passphrase-or-stick = 按顺序输入密码短语的各个词；直接按 Enter 则用 U 盘上的密钥。
ask-new-pin = 本次会话的 PIN
ask-new-pin-hint = 4 至 8 位数字，暂停后用它解锁。直接按 Enter：不设，暂停后清除密钥。
ask-pin = PIN
ask-pin-hint = 输错三次后密钥将被清除。
ask-no-pin = 4 至 8 位数字
ask-search = 查找
ask-search-hint = 姓名或编号的一部分；直接按 Enter 显示全部。
ask-erase = 永久删除检查
ask-erase-hint = 输入 { $digits } 并按 Enter：删除后无法恢复。
ask-not-confirmed = 未删除：数字不符

# Danger signs by a guideline; the mark beside the tabs at most 13 columns.
danger = { $meaning }：{ $sign } { $value } { $unit }，{ $edge } { $limit }（{ $source }）
danger-sign = 危险体征
term-at-least = 不低于
term-above = 高于
term-below = 低于
term-fast-breathing = 呼吸过快
term-slow-breathing = 呼吸过慢
term-high-body-temperature = 体温过高
term-low-body-temperature = 体温过低
term-low-oxygen-saturation = 血氧饱和度过低

# The body map; the patient's line 80 columns together, the legend 60.
map-open = 未查
map-unsure = 不确定
map-score = 评分 { $score }
map-clinician = 医生：{ $reading }
map-patient = 患者
map-examined = 已查 { $examined } / { $zones } 区
map-sum = { $scored } 区评分共 { $sum }
map-front = 前面
map-back = 背面
map-right = 右
map-left = 左

# Zones of the protocols that come with the program, by their names there; a number in it is n.
zone-right-upper-anterior = 右前上区
zone-right-lower-anterior = 右前下区
zone-right-upper-lateral = 右侧上区
zone-right-lower-lateral = 右侧下区
zone-right-basal-lateral = 右侧基底区
zone-right-upper-posterior = 右后上区
zone-right-lower-posterior = 右后下区
zone-right-upper-blue-point = 右上 BLUE 点
zone-right-lower-blue-point = 右下 BLUE 点
zone-right-plaps-point = 右 PLAPS 点
zone-right-breast-n-o-clock = 右乳 { $number } 点钟
zone-right-breast-behind-the-nipple = 右乳头后方
zone-right-axilla = 右腋窝
zone-left-upper-anterior = 左前上区
zone-left-lower-anterior = 左前下区
zone-left-upper-lateral = 左侧上区
zone-left-lower-lateral = 左侧下区
zone-left-basal-lateral = 左侧基底区
zone-left-upper-posterior = 左后上区
zone-left-lower-posterior = 左后下区
zone-left-upper-blue-point = 左上 BLUE 点
zone-left-lower-blue-point = 左下 BLUE 点
zone-left-plaps-point = 左 PLAPS 点
zone-left-breast-n-o-clock = 左乳 { $number } 点钟
zone-left-breast-behind-the-nipple = 左乳头后方
zone-left-axilla = 左腋窝

# 操作卡（打印页）
card-title = Sonolamp 操作卡
card-steps = 检查步骤
card-verdicts = 结论的含义
card-reasons = 为何无法判读，以及如何处理
card-advice = 扫查时的提示
card-lamps = 指示灯
card-attention = 常亮：无法判读，原因见屏幕。闪烁：故障。
card-dark-name = 全部熄灭
card-dark = 设备未工作或没有结论。不要据此判断。
card-notice = 仅供研究和培训的决策支持。非医疗器械：有疑问时请转诊。
