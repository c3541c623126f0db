# 页面、电子邮件和短信的文字。称呼用“您”；短信须不超过 70 个字符。

## Names of things

sign-in = 登录
sign-out = 退出登录
user-name = 用户名
user-name-or-email = 用户名或电子邮件地址
password = 密码
password-new = 新密码
password-current = 当前密码
email-address = 电子邮件地址
phone-number = 电话号码
optional = （选填）
backup-code = 备用代码
backup-codes = 备用代码
mfa = 多重身份验证
sessions = 会话
on = 已开启
off = 已关闭
suspended = 已停用
example-phone = 手机
example-laptop = 工作笔记本电脑
example-email = 工作邮箱
list-separator = {"，"}
list-more = { $first }、{ $next }
list-or = { $first }或{ $last }
list-and = { $first }和{ $last }
two-sentences = { $first }{ $second }

## What buttons and links do

cancel = 取消
confirm = 确认
continue = 继续
verify = 验证
rename = 重命名
rename-what = 重命名 { $name }
remove = 移除
remove-what = 移除 { $name }
show = 显示
show-password = 显示密码
start-again = 重新开始
sign-in-again = 重新登录
set-it-up = 去设置
to-front-page = 前往首页
create-account-link = 创建账户

## The frame of every page

title-error = 错误：{ $title }
layout-skip = 跳到正文
layout-server-notice = 服务器提示
layout-dev = 开发服务器。
layout-session = 会话
layout-account = 账户
layout-overview = 概览
layout-you-are-at = 您当前所在的网站是 { $origin }。请仅在浏览器显示此地址时输入密码和代码。
dev-notice = 发送给它的内容均未加密，请仅在本机上使用。
help = 帮助
help-password-question = 忘记了密码
help-password-answer = 如果登录页面上有“忘记密码？”，请选择它；否则请向本服务的管理人员索取重置链接。
help-device-question = 手边没有身份验证器应用或通行密钥
help-device-answer = 输入密码后，选择“使用备用代码”。如果没有备用代码，请联系本服务的管理人员。
help-device-answer-recovery = 输入密码后，选择“使用备用代码”。如果没有备用代码，请在该页面选择“我已失去所有第二步验证方式”。
help-code-question = 验证码未被接受
help-code-answer = 请让手机自动设置时间，等待下一个验证码，并且只使用一次。

## Forms

retry = 请在 { $time } 重试（{ $seconds } 秒后）。
password-rule = { $min } 到 { $max } 个字符。由几个词连成的密码容易记住；不要求包含数字或符号。
code = 验证码
code-app-hint = 身份验证器应用当前显示的 6 位数字。
code-sent-hint = 发送到 { $to } 的 6 位数字，10 分钟内有效。
code-sent-link = 或者在此浏览器中打开消息里的链接。
no-message-heading = 还没有收到？
no-message-wait = 可能需要等待一分钟。
no-message-spam = 也请查看垃圾邮件文件夹。
no-message-again = { $time } 之后可以再次发送验证码。
no-message-replaces = 新的验证码会取代之前的验证码。
trust-browser = 信任此浏览器 { $days } 天
trust-browser-hint = 之后在此处只需输入密码。请勿在与他人共用的设备上选择。
device-name-hint = 方便您以后在这里辨认，例如“{ $example }”。
device-name-hint-bounded = 方便您以后在这里辨认，例如“{ $example }”。最多 64 个字符。
client-continue = 以继续前往 { $client } { $origin }

## Which step of several it is

step-of = 第 { $step } 步，共 { $of } 步：还需再验证一次。
step-asked = 本服务管理人员要求提供{ $what }。
step-asked-more = 本服务管理人员要求的验证比目前已提供的更多。
asked-app = 身份验证器应用的验证码
asked-email = 电子邮件验证码
asked-sms = 短信验证码
asked-passkey = 您的通行密钥

## Other ways at the second step

other-ways = 尝试其他方式
ways-suspended = 由于连续输错次数过多，您的一种验证方式已停用，不再提供。请使用其他方式，登录后再重新设置该方式。
way-passkey = 使用通行密钥
way-totp = 使用身份验证器应用
way-sms = 通过短信获取验证码
way-email = 通过电子邮件获取验证码
way-backup-code = 使用备用代码
way-recovery = 我已失去所有第二步验证方式
way-someone-else = 以其他身份登录

## What scripts say

script-copied = 已复制。
script-selected = 已选中。按 Ctrl+C 或 ⌘C 复制。
script-downloaded = 已下载。
script-again-left = { $left } 后可以再次发送验证码。
script-again-now = 现在可以再次发送验证码。
script-passkey-follow = 请按照浏览器的提示操作。
script-passkey-cancelled = 操作已取消或超时。您可以重试。
script-passkey-known = 此设备或密码管理器中已有该账户的通行密钥。
script-passkey-failed = 浏览器无法在此处使用通行密钥。请重试，或使用其他方式。
script-passkey-none = 此浏览器不支持通行密钥。请换用其他浏览器或其他方式。

## Signing in

login-more = 请重新登录并完成所有要求的步骤：此账户要求的第二步验证在本次会话中尚未完成。
login-passkey = 使用通行密钥登录
login-forgot = 忘记密码？
login-new-here = 还没有账户？
login-wrong = 用户名或密码不正确。
login-wrong-email = 电子邮件地址或密码不正确。
login-wrong-either = 用户名、电子邮件地址或密码不正确。
too-many-attempts = 尝试次数过多。
message-too-early = 暂时还不能再次发送消息。
way-closed = 由于失败次数过多，此方式已关闭。请使用其他方式，或联系本服务的管理人员。
totp-title = 输入验证码
totp-malformed = 请输入身份验证器应用显示的 6 位数字。
totp-wrong = 此验证码不正确或已使用过。请等待下一个验证码。
sent-title-sms = 输入短信中的验证码
sent-title-email = 输入邮件中的验证码
sent-ask-sms = 通过短信获取验证码
sent-ask-email = 通过电子邮件获取验证码
sent-send = 发送验证码到 { $address }
sent-send-another = 再次发送验证码到 { $address }
sent-malformed = 请输入最新消息中的 6 位数字。
sent-wrong = 此验证码不正确。请输入最新消息中的验证码。
sent-ended = 此验证码已失效。请重新获取。
sent-link-ended = 此链接已失效。请使用最新的消息，或重新获取。
login-link-title = 完成登录
login-link-about = 您打开了我们消息中的链接。请按下按钮，完成您在此浏览器中开始的登录。
login-link-wrong = 此链接无法完成您的登录。
elsewhere-title = 请回到您开始的地方
elsewhere-login = 此链接仅在开始登录的浏览器中有效，而这是另一个浏览器。此处未做任何操作。请改为在那里输入此验证码：
elsewhere-address = 此链接仅在输入该地址的浏览器中有效，而这是另一个浏览器。此处未做任何操作。请改为在那里输入此验证码：
elsewhere-good = 验证码只能使用一次，自我们发出消息起 10 分钟内有效。
elsewhere-not-you = 您没有开始任何操作？
elsewhere-login-not-you = 那么有人知道您的密码，并在等待此验证码。请勿将其告诉任何人，并{ $link }。
elsewhere-login-change = 更改您的密码
elsewhere-address-not-you = 那么有人误输入了您的地址。请勿将验证码告诉任何人，并关闭此页面。
sms-unpaid-country = 无法向该国家或地区的号码发送短信。
sms-unpaid-country-day = 今天不再向该国家或地区的号码发送短信。
sms-unpaid-budget = 今天不再发送短信。
sms-unpaid-number = 发往此号码的短信过多，暂时不再向其发送。
sms-held-country = 目前暂不向该国家或地区的号码发送短信。
sms-held-address = 来自您所在网络的短信请求过多。目前暂不再发送短信。
sms-unpaid-use-app = 请改用身份验证器应用。
sms-unpaid-choose = 请在下方选择其他方式。
backup-code-hint = 您保存的代码之一。每个代码只能使用一次。不区分大小写，空格和连字符可有可无。
backup-code-malformed = 备用代码由 20 个字母和数字组成。请与您保存的内容核对。
backup-code-wrong = 此备用代码不正确或已使用过。
passkey-title = 使用通行密钥
passkey-about = 浏览器会要求您使用通行密钥：按指纹、触碰安全密钥、刷脸或输入 PIN。
passkey-no-script = 通行密钥需要 JavaScript，而此浏览器已将其关闭。请开启后重新加载本页，或尝试其他方式。
passkey-not-used = 未使用通行密钥。请重试。
passkey-refused = 此通行密钥未被接受。请使用其他通行密钥或其他登录方式。

## New accounts

register-title = 创建账户
register-button = 创建账户
register-have-one = 已有账户？
register-by-email-question = 不想选择用户名？
register-by-email = 使用电子邮件地址
register-email-about = 我们会向您的地址发送一个链接，打开后即可设置密码。
register-by-name-question = 不想使用电子邮件地址？
register-by-name = 选择用户名
register-sent-about = 我们已向您输入的地址发送了一封邮件。请打开其中的链接以继续；链接只能使用一次，一小时内有效。
register-sent-none = 没有收到？请查看垃圾邮件文件夹，并等待一分钟后再试。请检查地址是否正确。
register-enter-again = 重新输入地址
register-confirm-title = 设置您的密码
register-confirm-about = 设置后将以 { $address } 创建您的账户。不是您的地址？请关闭此页面。
setup-title = 创建首位管理员
setup-about = 此链接只能使用一次，用于创建管理员账户。
setup-can-heading = 管理员在此版本中可以做什么
setup-can = 该账户的登录方式与其他账户相同，并在审计日志中标明为管理员。此版本不含管理控制台：用户、客户端和密钥通过服务器上的 { $command } 命令管理。
setup-account-heading = 您的账户
setup-button = 创建管理员
user-name-taken = 此用户名已被使用。请换一个。
user-name-empty = 请输入用户名。
user-name-long = 用户名最多 { $max } 个字符。
user-name-large = 请使用更短的用户名：这些字符占用的空间比字母多。
user-name-space = 用户名中不能有空格。
user-name-invisible = 用户名中含有不可见的字符。请手动输入，不要粘贴。
user-name-at = 用户名中不能有 @；电子邮件地址有单独的输入框。
email-long = 电子邮件地址最多 { $max } 个字符。
email-syntax = 请输入电子邮件地址，例如 name@example.org。
email-look-alike = 请使用不含形似字符的电子邮件地址。
email-large = 请使用更短的电子邮件地址。
phone-no-country = 请以 + 和国家或地区代码开头，例如 +49。
phone-unknown-country = 没有使用此代码的国家或地区。请检查 + 后面的数字。
phone-syntax = 请输入电话号码，例如 +49 151 12345678。

## Passwords

weak-short = 至少使用 { $min } 个字符；当前只有 { $len } 个。几个互不相关的词效果很好。
weak-long = 最多使用 { $max } 个字符；当前有 { $len } 个。
weak-input = 请勿在密码中使用您的用户名或电子邮件地址。
weak-guessable = 此密码容易被猜到。{ $advice }
advice-straight-rows = 键盘上的连续按键容易被猜到。
advice-keyboard-pattern = 简短的键盘图案容易被猜到。
advice-repeats = “aaa”这样的重复容易被猜到。
advice-repeated-parts = “abcabcabc”这样的重复只比“abc”略难猜到。
advice-top-10 = 这是最常见的 10 个密码之一。
advice-top-100 = 这是最常见的 100 个密码之一。
advice-common = 这是一个非常常见的密码。
advice-similar-to-common = 这与一个常用密码相似。
advice-sequences = abc 或 6543 这样的序列容易被猜到。
advice-recent-years = 最近的年份容易被猜到。
advice-single-word = 单独一个词容易被猜到。
advice-dates = 日期往往容易被猜到。
advice-single-names = 单独的姓名容易被猜到。
advice-common-names = 常见的姓名容易被猜到。
advice-few-words = 请使用几个词，避免常见的短语。
advice-no-symbols = 不需要符号、数字或大写字母。
advice-another-word = 再加一两个词。不常见的词更好。
advice-capitals = 首字母大写作用不大。
advice-all-capitals = 全部大写与全部小写几乎一样容易被猜到。
advice-reversed = 倒过来写的词并不更难猜到。
advice-substitutions = 用“@”代替“a”之类可预见的替换作用不大。
advice-longer-pattern = 请使用更长、转折更多的键盘图案。
advice-no-repeats = 避免重复的词和字符。
advice-no-sequences = 避免使用序列。
advice-no-recent-years = 避免使用最近的年份。
advice-no-own-years = 避免使用与您有关的年份。
advice-no-own-dates = 避免使用与您有关的日期和年份。
advice-add-words = 再加一两个词。
password-change = 更改密码
password-change-about = 更改密码后，您的其他会话将会结束。
password-compromised = 有人知道您的密码并尝试登录，但未能通过第二步验证。继续之前，请先设置一个新密码。如果您在其他地方也使用旧密码，请一并更改。
password-current-wrong = 这不是您当前的密码。
password-same = 这就是您要更改的密码。请设置一个不同的密码。
forgot-title = 忘记密码？
forgot-about = 请告诉我们您的用户名。我们会把设置新密码的链接发送到您已验证的电子邮件地址。之后照常登录；如果启用了第二步验证，也需完成该步骤。
forgot-about-email = 请告诉我们您的电子邮件地址。我们会把设置新密码的链接发送到您已验证的电子邮件地址。之后照常登录；如果启用了第二步验证，也需完成该步骤。
forgot-about-either = 请告诉我们您的用户名或电子邮件地址。我们会把设置新密码的链接发送到您已验证的电子邮件地址。之后照常登录；如果启用了第二步验证，也需完成该步骤。
forgot-button = 发送链接
forgot-sent-title = 请查看您的邮箱
forgot-sent-about = 如果存在使用此用户名且已验证电子邮件地址的账户，链接已发往该地址。链接只能使用一次，一小时内有效。
forgot-sent-none = 没有收到？请查看垃圾邮件文件夹，并等待一分钟后再试。如果没有已验证的地址，请联系本服务的管理人员。
reset-title = 设置新密码
reset-about = 用于账户 { $user }。此链接只能使用一次。之后请使用新密码登录；如果使用身份验证器应用，也需输入其验证码。
reset-button = 设置新密码
reauthenticate-title = 确认是您本人
reauthenticate-about = 您当前以 { $user } 的身份登录。进行此更改前，请再次验证身份。
reauthenticate-code = 验证码或备用代码
reauthenticate-code-hint = 身份验证器应用当前显示的 6 位数字，或您的一个备用代码。
reauthenticate-or-passkey = 或者{ $link }。
reauthenticate-passkey = 使用您的通行密钥
reauthenticate-malformed = 请输入身份验证器应用的 6 位数字，或一个备用代码。
reauthenticate-code-too = 请同时输入身份验证器应用的 6 位数字。
reauthenticate-password-wrong = 密码不正确。
reauthenticate-code-wrong = 此代码不正确或已使用过。

## Applications

consent-title = 允许 { $client } 使用您的账户？
consent-asks = { $client } { $origin } 请求访问账户 { $user }。如果您允许，它将可以：
consent-allow = 允许
consent-deny = 拒绝
consent-back = 无论如何选择，您都将返回 { $origin }。
operation-title = 为 { $client } 确认此操作？
operation-asks = { $client } { $origin } 请您（{ $user }）确认以下内容，不多也不少：
operation-scopes = 它还请求访问您的账户。如果您确认，它将可以：
operation-hint = 请勿确认您未在那里发起的任何操作。
scope-openid = 在您再次访问时识别出您
scope-profile = 查看您的用户名
scope-email = 查看您的电子邮件地址
scope-offline-access = 在您退出登录后仍保留此访问权限
scope-other = 使用权限“{ $scope }”
logout-title = 退出登录
logout-heading = 要退出登录吗？
logout-client-asks = { $client } { $origin } 请求让您退出登录。
logout-stay = 保持登录
logged-out-title = 您已退出登录
logged-out-about = 如果使用的是公用电脑，请同时关闭浏览器。
back-to = 返回 { $client }
form-post-title = 返回应用
form-post-about = 位于 { $origin } 的应用正在等待答复。
front-title = 欢迎
front-about = 一个账户通用于您的所有应用，由多重身份验证保护。
signed-in-as = 您当前以 { $user } 的身份登录。
inbox-title = 开发收件箱
inbox-about = 尚未为这些消息配置服务商，因此它们不会离开本服务器。最新的消息显示在此处，仅本机可见，直到服务器停止。
inbox-sms = 短信
inbox-to = 发送至 { $to }，{ $time }
inbox-empty = 还没有消息。

## The account

account-title = 您的账户
account-profile = 个人资料
account-verified = 已验证
account-not-verified = 未验证
account-no-email = 无
account-email-confirm = 验证此地址
account-email-change = 更改地址
account-email-add = 添加地址
account-since = 注册时间
account-security = 安全
account-passkeys = { $count } 个通行密钥
account-apps = { $count } 个身份验证器应用
account-phones = 向 { $count } 个电话号码发送验证码
account-emails = 向 { $count } 个电子邮件地址发送验证码
account-codes-left = 剩余 { $count } 个备用代码。
account-codes-few = 请尽快生成新的备用代码。
account-mfa-off = 仅凭密码即可进入此账户。使用通行密钥或身份验证器应用的验证码，账户将更难被攻破。
account-mfa-manage = 管理
account-mfa-manage-what = 管理多重身份验证
mfa-enable = 开启多重身份验证
account-password-set = 上次设置时间：{ $time }。
account-password-none = 尚未设置。
account-sessions =
    { $count ->
        [1] 您仅在此浏览器上登录。
       *[other] 您在 { $count } 个浏览器上登录。
    }
account-sessions-show = 查看会话
account-recovery-title = 有人想移除您的第二步验证
account-recovery-about = { $begun }，有人使用您的密码，声称已失去所有第二步验证方式。自 { $due } 起，可以用发送到您电子邮件地址的验证码将其移除。
sessions-where = 您的登录位置
sessions-about = 如果发现不认识的会话，请将其结束，然后更改密码。
sessions-this = 此浏览器
sessions-from = 来自 { $address }。
sessions-row = 登录时间：{ $started }，上次活动：{ $seen }。
sessions-end = 结束会话
sessions-end-what = 结束会话：{ $browser }，登录时间 { $started }
trusted-heading = 受信任的浏览器
trusted-about = 在这些浏览器中，只需密码即可登录。不再使用的浏览器请取消信任：在其中未经第二步验证而开始的会话将会结束，当前会话除外。
trusted-row = 信任时间：{ $since }，上次使用：{ $used }，有效期至 { $until }。
trusted-forget = 取消信任
trusted-forget-what = 取消信任：{ $browser }，信任时间 { $since }
sign-out-everywhere = 在所有位置退出登录
sign-out-everywhere-about = 结束所有会话（包括此浏览器的会话），并取消对所有浏览器的信任。您已登录的应用将失去访问权限。
browser-unknown = 未知浏览器
browser-on = { $system } 上的 { $browser }
browser-unknown-on = { $system } 上的未知浏览器
browser-itself = { $browser }
notice-registered = 您的账户已创建，并且您已登录。
notice-password-changed = 您的密码已更改。
notice-mfa-enabled = 多重身份验证已开启。
notice-app-removed = 身份验证器应用已移除。
notice-app-renamed = 身份验证器应用已重命名。
notice-passkey-added = 通行密钥已添加。下次登录时即可使用。
notice-passkey-removed = 通行密钥已移除。
notice-passkey-renamed = 通行密钥已重命名。
notice-email-on = 可以向该电子邮件地址发送验证码了。
notice-email-off = 不再向该电子邮件地址发送验证码。
notice-sms-on = 可以向该电话号码发送验证码了。
notice-sms-off = 不再向该电话号码发送验证码。
notice-email-renamed = 该电子邮件地址已使用新名称。
notice-address-confirmed = 您账户的电子邮件地址已验证。
notice-phone-renamed = 该手机已使用新名称。
notice-session-ended = 会话已结束。
notice-trust-forgotten = 已取消对该浏览器的信任。
notice-recovery-cancelled = 账户恢复已取消。请立即更改密码：有其他人知道它。

## Devices and backup codes

mfa-needed = 继续之前，请先设置{ $what }。这是本服务管理人员的要求。
mfa-needed-for = 继续前往 { $client } 之前，请先设置{ $what }。这是本服务管理人员的要求。
needed-app = 身份验证器应用
needed-email = 电子邮件验证码
needed-sms = 短信验证码
needed-passkey = 通行密钥
needed-passkey-hardware = 由制造商为其硬件作保的通行密钥（例如安全密钥）
needed-any = 第二步验证
remove-needed = 本服务管理人员要求第二步验证。移除后，您必须先设置{ $what }，才能进行其他操作。
remove-needed-last = 这是您唯一的第二步验证，因此备用代码也将失效。
mfa-client-waits = { $client } { $origin } 正在等待您。
mfa-go-on = 继续前往 { $client }
device-added = 添加时间：{ $added }，尚未使用。
device-used = 添加时间：{ $added }，上次使用：{ $used }。
device-suspended = 由于连续输错次数过多，其验证码不再被接受。请将其移除，然后重新添加。
mfa-passkeys = 通行密钥
mfa-passkeys-about = 登录时选择“使用通行密钥登录”，或先输入密码，再使用其中一个。
passkey-synced = 已同步
passkey-one-device = 仅在一台设备上
passkey-kind = { $kind }。
passkey-hardware = 其制造商为其硬件作保。
passkey-not-alone = 它不要求 PIN、指纹或面容，因此还需要您的密码。
mfa-apps = 身份验证器应用
mfa-apps-about = 登录时，输入密码后还需输入其中一个应用的验证码。
mfa-phones = 短信验证码
mfa-emails = 电子邮件验证码
mfa-sent-instead = 输入密码后，也可以改为将验证码发送到其中之一。
mfa-sent-or-passkey = 登录时，输入密码后还需使用通行密钥，或输入发送到其中之一的验证码。
mfa-sent-only = 登录时，输入密码后还需输入发送到其中之一的验证码。
mfa-phone-weak = 身份验证器应用更安全：电话号码可能被他人接管。
mfa-email-weak = 身份验证器应用更安全：知道您其他密码的人往往也能查看您的邮件。
codes-left =
    { $count ->
        [0] 您已没有可用的备用代码。
       *[other] 您还有 { $count } 个未使用的备用代码。
    }
codes-few = 请在需要之前生成新的代码。
codes-about-app = 使用备用代码，无需身份验证器应用即可登录。每个代码只能使用一次。
codes-about-passkey = 使用备用代码，无需通行密钥即可登录。每个代码只能使用一次。
codes-about-phone = 使用备用代码，无需手机即可登录。每个代码只能使用一次。
codes-about-email = 使用备用代码，无需电子邮件即可登录。每个代码只能使用一次。
codes-unconfirmed = 这些代码已生成，但您尚未确认已保存。代码无法再次显示。如果您没有保存，请立即生成新的代码。
codes-make = 生成新的备用代码
codes-saved = 我已保存这些代码
codes-made-about = 您将获得十个新代码。
codes-old =
    { $count ->
        [0] 旧代码已全部用完。
       *[other] { $count } 个未使用的旧代码将失效。
    }
codes-title = 保存您的备用代码
codes-shown-about = 当身份验证器应用不在手边时，每个代码可用于登录一次。{ $once }请将其与密码保存在一起，或打印出来。
codes-shown-once = 代码仅在此时显示。
codes-print-head = { $product } 备用代码
codes-print-whose = { $user }，{ $origin }
codes-print-made = 生成时间：{ $time }。每个代码只能使用一次。
copy = 复制
copy-key = 复制密钥
download = 下载
print = 打印
codes-unsaved-title = 您是否已保存备用代码？
codes-unsaved-about = 代码无法再次显示。如果您没有保存，请生成新的代码：旧代码将随即失效。
codes-unsaved-tick = 保存备用代码后，请勾选此框。
totp-add = 添加身份验证器应用
totp-add-another = 添加另一个身份验证器应用
mfa-off-about = 登录时，输入密码后还需输入手机或电脑上身份验证器应用的 6 位验证码，例如 Aegis、Google Authenticator、Microsoft Authenticator、1Password 或 Bitwarden。您还将获得十个备用代码，以备手机不在手边时使用。
totp-name = 身份验证器应用的名称
totp-set-up = 设置身份验证器应用
totp-proposed-name = 身份验证器应用
totp-nameless = 请为身份验证器应用命名。
name-long = 名称最多 64 个字符。
device-name-control = 名称中不能有控制字符。
totp-no-room = 无法再添加身份验证器应用。请先移除一个。
totp-enrol-title = 设置您的身份验证器应用
totp-enrol-scan = 1. 扫描此二维码
totp-enrol-scan-about = 打开身份验证器应用，添加账户，然后将摄像头对准此处。
totp-enrol-qr = 用于身份验证器应用的二维码
totp-enrol-here = 在此设备上的身份验证器应用中打开
totp-enrol-cannot-scan = 无法扫描二维码？
totp-enrol-key = 请在应用中输入此密钥。它基于时间，每 30 秒生成 6 位数字。
totp-enrol-code = 2. 输入应用显示的验证码
adds-name = 将添加“{ $name }”。在您确认验证码之前不会有任何更改。
totp-confirm-wrong = 此验证码不正确。请输入当前显示的验证码。
totp-remove-title = 移除身份验证器应用
totp-remove-about = 来自 { $name } 的验证码将不再被接受。
totp-remove-last = 这是您唯一的身份验证器应用。移除后，多重身份验证将关闭，备用代码将失效：仅凭密码即可进入此账户。
totp-rename-title = 重命名身份验证器应用
passkey-add = 添加通行密钥
passkey-add-another = 添加另一个通行密钥
passkey-add-about = 通行密钥保存在您的手机、电脑、密码管理器或安全密钥中，通过指纹、面容或 PIN 解锁。它不会泄露给假冒网站，也不需要密码。
passkey-name = 通行密钥的名称
passkey-name-optional = 通行密钥的名称（选填）
passkey-nameless = 请为通行密钥命名。
passkey-no-room = 无法再添加通行密钥。请先移除一个，或等待一天。
passkey-create = 创建通行密钥
passkey-create-about = 浏览器会询问将通行密钥保存在何处：此设备、密码管理器、手机或安全密钥。用于解锁的信息（指纹、面容或 PIN）不会离开您的设备。
passkey-create-no-script = 通行密钥需要 JavaScript，而此浏览器已将其关闭。请开启后重新加载本页，或者{ $link }。
passkey-create-app-instead = 设置身份验证器应用
passkey-adds-name = 将添加“{ $name }”。在通行密钥创建完成之前不会有任何更改。
passkey-adds = 在通行密钥创建完成之前不会有任何更改。
passkey-not-created = 未创建通行密钥。请重试。
passkey-not-accepted = 此通行密钥未被接受。请重试，或换用其他通行密钥。
passkey-synced-refused = 此通行密钥可以复制到其他设备，而这里不允许使用此类通行密钥。请使用始终留在同一设备上的通行密钥，例如安全密钥。
passkey-unattested = 此通行密钥未被接受：它不是来自本服务管理人员信任的制造商。请使用其他通行密钥，例如他们发给您的安全密钥；如果浏览器询问，请允许其查看品牌和型号。
passkey-remove-title = 移除通行密钥
passkey-remove-about = { $name } 将不能再用于登录。通过它开始的会话需要重新验证。
passkey-remove-last = 登录时没有其他验证方式。移除后，多重身份验证将关闭，备用代码将失效：仅凭密码即可进入此账户。
passkey-rename-title = 重命名通行密钥
phone-add = 通过短信接收验证码
phone-add-another = 用另一个电话号码接收验证码
phone-add-about = 在没有身份验证器应用可用时使用。其保护程度不如应用：电话号码可能被他人接管。
phone-hint = 以 + 和国家或地区代码开头，例如 +49 151 12345678。
phone-name = 手机的名称（选填）
phone-name-control = 手机名称中不能有换行。
phone-send = 向此号码发送验证码
phone-known = 此号码已用于接收验证码。
phone-no-room = 无法再添加号码。请先移除一个，或等待一天。
email-add = 通过电子邮件接收验证码
email-add-another = 用另一个电子邮件地址接收验证码
email-add-about = 在没有身份验证器应用可用时使用。其保护程度不如应用，要求双重身份验证的应用也不将其视为其中一种因素。
email-send = 向此地址发送验证码
email-known = 此地址已用于接收验证码。
email-no-room = 无法再添加地址。请先移除一个，或等待一天。
own-address-title = 您账户的电子邮件地址
own-address-current = 目前是 { $address }。
own-address-about = 忘记密码时的链接和通知会发送到此地址。新地址会收到一个验证码；您在此输入验证码后，新地址将取代旧地址，旧地址会收到通知。
own-address-name = 您也用此地址登录，之后请用新地址登录。
own-address-new = 新的电子邮件地址
own-address-known = 这已是您账户的地址，并且已验证。
own-address-taken = 另一个账户已使用此地址。请登录该账户，或输入其他地址。
address-enrol-sms = 验证您的电话号码
address-enrol-email = 验证您的电子邮件地址
address-resend = 再次发送验证码
address-wrong = 此验证码不正确或已失效。请输入最新的验证码。
address-link-about = 您打开了我们消息中的链接。如果要将登录您账户的验证码发送到 { $address }，请按下按钮。
address-link-ended = 此链接已失效。请使用最新的消息，或重新发送一条。
address-remove-sms = 停止短信验证码
address-remove-email = 停止电子邮件验证码
address-remove-about = 将不再向 { $address } 发送验证码。
address-remove-last = 这是您唯一的第二步验证。没有它，多重身份验证将关闭，备用代码将失效：仅凭密码即可进入此账户。
phone-rename-title = 重命名手机
email-rename-title = 重命名电子邮件地址
email-name = 电子邮件地址的名称（选填）
address-rename-about = 验证码仍会发送到 { $address }。如果没有名称，则显示地址本身。
recommended-title = 用第二步验证保护您的账户
recommended-about = 密码可能被猜到、被盗或在别处使用。有了第二步验证，任何人都无法仅凭密码登录：您还需输入手机应用中的验证码。设置只需两分钟，您还会获得备用代码，以备手机不在手边时使用。
recommended-from = 自 { $time } 起必须设置。
recommended-left = 您还可以推迟 { $times } 次。
recommended-not-now = 暂不
recommended-later = 您可以随时在账户页面进行设置。

## Accounts whose second steps are lost

recovery-title = 您已失去所有第二步验证方式？
recovery-within-reach = 如果其中一种方式、备用代码或您信任的浏览器仍可使用，请使用它：这样更快。
recovery-otherwise = 否则，您可以请求恢复账户。这需要 { $days } 天，以便在他人冒用时您可以提出异议：
recovery-step-message = 现在会向您已验证的每个电子邮件地址发送一封邮件，其中含有取消恢复的链接。
recovery-step-wait = { $days } 天后，在随后的一周内，请用密码在此登录。我们会向您的电子邮件地址发送验证码。
recovery-step-code = 使用该验证码后，您的所有第二步验证和备用代码都会被移除，您会在其他所有位置退出登录，然后设置新的第二步验证。
recovery-found = 如果在此期间找到了您的第二步验证方式，请用它登录。这会取消恢复。
recovery-ask = 请求恢复我的账户
recovery-waits-title = 您的账户恢复正在等待
recovery-waits = 有人使用您的密码于 { $begun } 请求恢复此账户。自 { $due } 起可以完成恢复：届时请用密码重新登录。
recovery-waits-not-you = 我们已向您已验证的每个电子邮件地址发送了邮件。如果不是您本人的操作，请打开邮件中的链接，或用您的第二步验证登录。两者均可取消恢复。
recovery-due-title = 恢复您的账户
recovery-due = 等待期已结束。在 { $until } 之前，可用验证码完成恢复。这会移除您的所有第二步验证和备用代码，让您在其他所有位置退出登录，并在此登录。
recovery-complete = 移除我的第二步验证并登录
recovery-due-found = 您的某种第二步验证方式仍可使用？请在下方使用它。这会取消恢复。
recovery-ended = 验证码或账户恢复已失效。
recovery-closed-title = 此次账户恢复已取消
recovery-paused = 一次使用第二步验证的登录取消了它。自 { $until } 起可以重新开始。
recovery-closed = 有人表示请求恢复的不是此账户的所有者。只要账户密码未更改，就不能重新开始恢复。
recovery-closed-ask = 如果无法等待，请联系本服务的管理人员。
recovery-not-offered = 此账户无法在此恢复。请联系本服务的管理人员。
recovery-cancel-title = 这不是您本人的操作？
recovery-cancel-about = { $begun }，有人使用账户 { $user } 的密码，声称已失去其所有第二步验证方式。自 { $due } 起，可以用通过电子邮件发送的验证码将其移除。
recovery-cancel-close = 如果是您本人的操作，请关闭此页面。否则，请取消：
recovery-cancel-button = 这不是我本人的操作，取消
recovery-cancelled-title = 已取消
recovery-cancelled-about = 账户的第二步验证保持不变。但有人知道其密码：请立即更改。在此之前，任何人都不能再次请求。

## Failures

error-quote = 错误 { $status }。如需帮助，请提供此编号：{ $id }
error-out-of-date = 此页面已过期
error-out-of-date-about = 该表单打开时间过长，或属于另一次登录。未做任何更改。
error-sign-in-first = 请先登录
error-sign-in-first-about = 此页面仅供已登录的用户使用。
error-enrol-first = 请先设置第二步验证
error-enrol-first-about = 此账户要求第二步验证。
error-password-first = 请先设置新密码
error-password-first-about = 其他人可能知道您登录时使用的密码。
error-signed-in = 您已登录
error-signed-in-about = 这里没有需要您完成的操作。
error-not-found = 找不到页面
error-not-found-about = 此地址没有页面。
error-method = 此处无法这样操作
error-method-about = 此地址的页面不能以这种方式使用。
error-too-large = 发送的内容过多
error-too-large-about = 表单内容超出了服务器的限制。
error-too-large-next = 请缩短您输入的内容。
error-too-many = 尝试次数过多
error-too-many-about = 来自您所在网络的尝试次数过多。
error-bad-request = 无法读取此请求
error-bad-request-about = 您的浏览器，或浏览器与服务器之间的某个环节，发送了一个在此处没有意义的请求。
error-wrong-host = 地址错误
error-wrong-host-about = 这是开发服务器。它只在作为其颁发者（issuer）的地址上响应，且不能位于代理之后。
error-wrong-host-next = 请打开颁发者的地址，或配置 https 颁发者。
error-login-ended = 此次登录已结束
error-login-ended-about = 登录已在另一个标签页中完成、已超时，或是在另一个浏览器中开始的。
error-login-ended-next = 如果您是从某个应用转到这里的，请返回该应用并从那里登录。
error-link-ended = 此链接无效
error-link-ended-about = 链接已被使用、已过期或不完整。
error-link-ended-next = 请重新获取链接。
error-application = 应用发送了错误的请求
error-application-no-client = 请求未说明来自哪个应用：缺少 client_id。
error-application-unknown-client = 没有以该请求的 client_id 注册的应用。
error-application-no-redirect = 请求未说明返回到哪里：缺少 redirect_uri。
error-application-unregistered = 请求的 redirect_uri 不是为该应用注册的地址之一。两者必须完全一致。
error-application-repeated = 请求中多次出现 client_id 或 redirect_uri。
error-application-unreadable = 无法读取请求的参数。
error-application-next = 请告知该应用的运营方。重新登录无济于事。
error-unavailable = 暂时不可用
error-unavailable-about = 服务器未能及时完成此操作。它可能已经完成，也可能没有。
error-unavailable-next = 请稍候，查看结果后再重试。
error-internal = 出了点问题
error-internal-about = 服务器出现错误，已被记录。
error-internal-next = 请重试。如果再次发生，请将下方的编号告知本服务的管理人员。

## Dates

date-time = { $year }年{ $month }月{ $day }日 { $time } UTC

## Mail

mail-hello = { $user }，您好：
mail-code-keep =
    验证码只能使用一次，10 分钟内有效，请在要求输入它的页面上使用。
    请勿将其告诉任何人：本服务的管理人员不会向您索要验证码。
mail-either-keep =
    两者均只能使用一次，10 分钟内有效。
    请勿将其告诉任何人：本服务的管理人员不会向您索要。
mail-sign-in-subject = 您登录 { $product } 的验证码
mail-sign-in-about = 以下验证码用于完成您在 { $origin } 的登录：
mail-sign-in-link = 或者在您正在登录的浏览器中打开以下链接：
mail-sign-in-not-you =
    如果您现在并没有登录，说明有人知道您的密码。请更改密码：
    { $link }
mail-activation-subject = 验证您在 { $product } 的电子邮件地址
mail-activation-hello = 您好：
mail-activation-about =
    有人在 { $origin } 拥有账户，
    并希望将登录验证码发送到此地址。以下验证码用于确认：
mail-activation-link = 或者在输入该地址的浏览器中打开以下链接：
mail-activation-not-you = 如果这不是您本人的操作，请忽略此邮件：没有验证码，不会有任何更改。
mail-activation-not-you-either = 如果这不是您本人的操作，请忽略此邮件：没有验证码或链接，不会有任何更改。
mail-address-about =
    有人表示此地址属于其在 { $origin } 的账户。
    以下验证码用于验证此地址：
mail-reset-subject = 设置 { $product } 的新密码
mail-reset-about = 请打开以下链接，为您在 { $origin } 的账户设置新密码：
mail-reset-keep =
    链接只能使用一次，一小时内有效。之后照常登录；如果启用了第二步验证，
    也需完成该步骤。
mail-reset-not-you = 如果您没有提出此请求，请忽略此邮件：您的密码不会改变。
mail-registration-subject = 创建您在 { $product } 的账户
mail-registration-about = 请打开以下链接，以此地址在 { $origin } 创建账户：
mail-registration-keep = 打开后即可设置密码。链接只能使用一次，一小时内有效。
mail-registration-not-you = 如果这不是您本人的操作，请忽略此邮件：没有链接，不会创建账户。
mail-registered-subject = 您在 { $product } 已有账户
mail-registered-about = 有人想以此地址在 { $origin } 创建账户，而该账户已经存在。
mail-registered-sign-in =
    如果是您本人的操作，请登录：{ $login }
    如果忘记了密码，请设置新密码：
    { $forgot }
mail-registered-not-you = 如果这不是您本人的操作，请忽略此邮件：未做任何更改。
mail-recovery-begun-subject = 有人想移除您在 { $product } 的第二步验证
mail-recovery-begun-about =
    有人知道您的密码，并声称已失去您在 { $origin } 的账户的
    所有第二步验证方式。
mail-recovery-begun-due =
    自 { $due } 起，可以用您的密码和发送到您电子邮件地址的
    验证码将其移除。
mail-recovery-begun-cancel =
    如果是您本人的操作，请保留此邮件，届时重新登录。否则，请用以下链接取消，
    该链接可在任何浏览器中使用：
mail-recovery-begun-password = 并更改您的密码：{ $link }
mail-recovery-code-subject = 您恢复 { $product } 账户的验证码
mail-recovery-code-about = 以下验证码将移除您在 { $origin } 的账户的所有第二步验证，并让您登录：
mail-recovery-code-cancel = 如果您现在并没有恢复账户，请用以下链接取消，并更改您的密码：
mail-recovery-due-subject = 您在 { $product } 的第二步验证即将被移除
mail-recovery-due-about =
    等待期已结束，有人知道您的密码，并且现在请求了用于移除您在
    { $origin } 的账户的所有第二步验证的验证码。
    该验证码已发送到您的另一个地址。
mail-recovery-due-cancel =
    如果是您本人的操作，则无需处理。否则，请立即用以下链接取消，
    该链接可在任何浏览器中使用，并更改您的密码：
mail-notice-about = { $what }。涉及您在 { $origin } 的账户。
mail-notice-next =
    如果是您本人的操作，则无需处理。否则，请立即更改密码并检查您的会话：
    { $link }
    如果无法登录，请联系本服务的管理人员。
mail-what-password-changed = 您的密码已更改
mail-what-password-reset = 您的密码已通过链接重新设置
mail-what-app-added = 已添加身份验证器应用
mail-what-app-removed = 已移除身份验证器应用
mail-what-email-on = 已为一个地址开启电子邮件验证码
mail-what-email-off = 已为一个地址关闭电子邮件验证码
mail-what-sms-on = 已为一个电话号码开启短信验证码
mail-what-sms-off = 已为一个电话号码关闭短信验证码
mail-what-passkey-added = 已添加通行密钥
mail-what-passkey-removed = 已移除通行密钥
mail-what-passkey-copied = 一个通行密钥可能已被复制，因而被拒绝
mail-what-codes-replaced = 已生成新的备用代码
mail-what-code-used = 一个备用代码已被使用
mail-what-factors-reset = 管理人员已移除所有第二步验证
mail-what-trust-copied = 您信任的浏览器的标识被使用了两次，且密码正确
mail-what-recovery-cancelled = 移除您所有第二步验证的请求已取消
mail-what-recovery-completed = 已通过您的密码和电子邮件验证码移除所有第二步验证
mail-what-password-suspended = 您的密码在一百次错误尝试后已被锁定
mail-what-codes-suspended = 一种第二步验证在一百次错误验证码后已被锁定
mail-what-backup-suspended = 您的备用代码在一百次错误尝试后已被锁定
mail-what-address-confirmed = 您账户的电子邮件地址已验证
mail-what-address-changed = 您账户的电子邮件地址已更改
mail-suspended-password =
    这些尝试没有一次正确。您以前登录过的浏览器仍接受您的密码，通行密钥也照常可用。
    要在其他浏览器中使用密码，请设置新密码：
    { $link }
    如果仍有问题，请联系本服务的管理人员。
mail-suspended-codes =
    这些验证码没有一个正确，但尝试的人知道您的密码。如果不是您本人的操作，
    请立即更改密码。请用其他第二步验证或备用代码登录，然后移除被锁定的验证方式，
    并重新添加：
    { $link }
    如果无法登录，请联系本服务的管理人员。
mail-suspended-backup =
    这些尝试没有一次正确，但尝试的人知道您的密码。如果不是您本人的操作，
    请立即更改密码。请用您的第二步验证登录，并生成新的备用代码：
    { $link }
    如果无法登录，请联系本服务的管理人员。

## Text messages

sms-sign-in = { $product } 登录验证码 { $code }，请勿外泄。
sms-activation = { $product } 号码验证码 { $code }，请勿外泄。
sms-recovery-begun = { $product }：有人请求于{ $due }移除您的第二步验证。如非本人操作，请立即登录。
sms-recovery-due = { $product }：您的第二步验证即将被移除。如非本人操作，请立即登录。
sms-notice = { $product }：{ $what }。如非本人操作，请检查您的账户。
