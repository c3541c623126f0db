# The words of pages, mails and text messages. A message may name its arguments in any order; markup belongs into the templates.

## Names of things

sign-in = Sign in
sign-out = Sign out
user-name = User name
user-name-or-email = User name or e-mail address
password = Password
password-new = New password
password-current = Current password
email-address = E-mail address
phone-number = Phone number
optional = (optional)
backup-code = Backup code
backup-codes = Backup codes
mfa = Multi-factor authentication
sessions = Sessions
on = on
off = off
suspended = suspended
example-phone = Phone
example-laptop = Work laptop
example-email = Work mail
list-separator = {", "}
list-more = { $first }, { $next }
list-or = { $first } or { $last }
list-and = { $first } and { $last }
two-sentences = { $first } { $second }

## What buttons and links do

cancel = Cancel
confirm = Confirm
continue = Continue
verify = Verify
rename = Rename
rename-what = Rename { $name }
remove = Remove
remove-what = Remove { $name }
show = Show
show-password = Show password
start-again = Start again
sign-in-again = Sign in again
set-it-up = Set it up
to-front-page = Go to the front page
create-account-link = Create an account

## The frame of every page

title-error = Error: { $title }
layout-skip = Skip to content
layout-server-notice = Server notice
layout-dev = Development server.
layout-session = Session
layout-account = Account
layout-overview = Overview
layout-you-are-at = You are at { $origin }. Enter passwords and codes only if your browser shows this address.
dev-notice = Nothing sent to it is encrypted. Use it on this machine only.
help = Help
help-password-question = You forgot your password
help-password-answer = Choose “Forgot your password?” where you sign in, if it is there. Otherwise ask the people who run this service for a reset link.
help-device-question = You do not have your authenticator app or passkey
help-device-answer = After your password, choose “Use a backup code”. Without backup codes, ask the people who run this service.
help-device-answer-recovery = After your password, choose “Use a backup code”. Without backup codes, choose “I have lost all my second steps” there.
help-code-question = Your verification code is refused
help-code-answer = Let your phone set its clock automatically, wait for the next code and use it once.

## Forms

retry =
    { $seconds ->
        [one] Try again at { $time } (in 1 second).
       *[other] Try again at { $time } (in { $seconds } seconds).
    }
password-rule = { $min } to { $max } characters. Several words in a row are easy to remember; nothing has to be a digit or a symbol.
code = Verification code
code-app-hint = The 6 digits that your authenticator app shows now.
code-sent-hint = The 6 digits that were sent to { $to }. They are good for 10 minutes.
code-sent-link = Or open the link in the message, in this browser.
no-message-heading = No message yet?
no-message-wait = It can take a minute.
no-message-spam = Look into the folder for spam, too.
no-message-again = Another code can be sent from { $time } on.
no-message-replaces = A new code replaces the one before.
trust-browser =
    { $days ->
        [one] Trust this browser for { $days } day
       *[other] Trust this browser for { $days } days
    }
trust-browser-hint = Your password will be enough here. Not for a device that others use.
device-name-hint = So that you recognise it here later, for example “{ $example }”.
device-name-hint-bounded = So that you recognise it here later, for example “{ $example }”. At most 64 characters.
client-continue = to continue to { $client } { $origin }

## Which step of several it is

step-of = Step { $step } of { $of }: one more.
step-asked = The people who run this service ask for { $what }.
step-asked-more = The people who run this service ask for more than was given so far.
asked-app = a code of your authenticator app
asked-email = a code by e-mail
asked-sms = a code by text message
asked-passkey = your passkey

## Other ways at the second step

other-ways = Try another way
ways-suspended = After too many wrong codes in a row a way to prove that it is you is suspended, and not offered. Use another one, and set it up anew when you are signed in.
way-passkey = Use your passkey
way-totp = Use your authenticator app
way-sms = Get a code by text message
way-email = Get a code by e-mail
way-backup-code = Use a backup code
way-recovery = I have lost all my second steps
way-someone-else = Sign in as someone else

## What scripts say

script-copied = Copied.
script-selected = Selected. Press Ctrl+C or ⌘C to copy.
script-downloaded = Downloaded.
script-again-left = Another code can be sent in { $left }.
script-again-now = Another code can be sent now.
script-passkey-follow = Follow what your browser asks.
script-passkey-cancelled = That was cancelled, or took too long. You can try again.
script-passkey-known = This device or password manager has a passkey of this account already.
script-passkey-failed = The browser could not use a passkey here. Try again, or another way.
script-passkey-none = This browser has no passkeys. Use another one, or another way.

## Signing in

login-more = Sign in once more, with all that is asked for: this account asks for a second step that was not given in this session.
login-passkey = Sign in with a passkey
login-forgot = Forgot your password?
login-new-here = New here?
login-wrong = The user name or the password is not right.
login-wrong-email = The e-mail address or the password is not right.
login-wrong-either = The user name, the e-mail address or the password is not right.
too-many-attempts = Too many attempts.
message-too-early = Another message cannot be sent yet.
way-closed = There were too many failures, so this way is closed. Use another one, or ask the people who run this service.
totp-title = Enter your verification code
totp-malformed = Enter the 6 digits that your authenticator app shows.
totp-wrong = This code is not right, or was used already. Wait for the next one.
sent-title-sms = Enter the code from your text message
sent-title-email = Enter the code from your e-mail
sent-ask-sms = Get a code by text message
sent-ask-email = Get a code by e-mail
sent-send = Send a code to { $address }
sent-send-another = Send another code to { $address }
sent-malformed = Enter the 6 digits from the newest message.
sent-wrong = This code is not right. Enter the one from the newest message.
sent-ended = The code is not good any more. Ask for another one.
sent-link-ended = This link is not good any more. Use the newest message, or ask for another one.
login-link-title = Finish signing in
login-link-about = You opened the link in our message. Press the button to complete the sign-in that you began in this browser.
login-link-wrong = This link does not complete your sign-in.
elsewhere-title = Go back to where you began
elsewhere-login = This link works only in the browser in which the sign-in was begun, and this is another one. Nothing was done here. Type this code there instead:
elsewhere-address = This link works only in the browser in which the address was entered, and this is another one. Nothing was done here. Type this code there instead:
elsewhere-good = It is good once, for 10 minutes from our message on.
elsewhere-not-you = You did not begin anything?
elsewhere-login-not-you = Then somebody knows your password, and waits for this code. Give it to nobody, and { $link }.
elsewhere-login-change = change your password
elsewhere-address-not-you = Then somebody entered your address by mistake. Give the code to nobody, and close this page.
sms-unpaid-country = Text messages are not sent to numbers of this country.
sms-unpaid-country-day = No more text messages are sent to numbers of this country today.
sms-unpaid-budget = No more text messages are sent today.
sms-unpaid-number = This number got too many text messages. No more are sent to it at the moment.
sms-held-country = No text messages are sent to numbers of this country at the moment.
sms-held-address = Too many text messages were asked for from your network. No more are sent at the moment.
sms-unpaid-use-app = Use an authenticator app instead.
sms-unpaid-choose = Choose another way below.
backup-code-hint = One of the codes that you saved. Each works once. Capital or small letters, spaces and dashes make no difference.
backup-code-malformed = A backup code has 20 letters and digits. Check it against your copy.
backup-code-wrong = This backup code is not right, or was used already.
passkey-title = Use your passkey
passkey-about = Your browser asks for your passkey: a touch of your finger or of a security key, a look, or a PIN.
passkey-no-script = Passkeys need JavaScript, which is off in this browser. Turn it on and load this page again, or try another way.
passkey-not-used = No passkey was used. Try again.
passkey-refused = This passkey was not accepted. Use another one, or another way to sign in.

## New accounts

register-title = Create an account
register-button = Create account
register-have-one = Already have an account?
register-by-email-question = Prefer not to choose a user name?
register-by-email = Use your e-mail address
register-email-about = We send a link to your address. It leads on to choosing a password.
register-by-name-question = Prefer not to use an e-mail address?
register-by-name = Choose a user name
register-sent-about = We sent a message to the address that you entered. Open the link in it to go on; it works once, for an hour.
register-sent-none = No message? Look into the folder for spam, and wait a minute before you try again. See whether the address was right.
register-enter-again = Enter the address again
register-confirm-title = Choose your password
register-confirm-about = It makes your account under { $address }. Not your address? Then close this page.
setup-title = Create the first administrator
setup-about = This link works once and makes an administrator account.
setup-can-heading = What an administrator can do in this release
setup-can = The account signs in like any other and is named as administrator in the audit log. The admin console is not part of this release: users, clients and keys are managed with the { $command } command on the server.
setup-account-heading = Your account
setup-button = Create administrator
user-name-taken = This user name is taken. Choose another one.
user-name-empty = Enter a user name.
user-name-long = Use at most { $max } characters in the user name.
user-name-large = Use a shorter user name: these characters take more room than letters do.
user-name-space = Leave no spaces in the user name.
user-name-invisible = The user name contains a character that cannot be seen. Type it instead of pasting it.
user-name-at = Leave the @ out of the user name; an e-mail address has a field of its own.
email-long = Use an e-mail address of at most { $max } characters.
email-syntax = Enter an e-mail address such as name@example.org.
email-look-alike = Use an e-mail address without characters that look like others.
email-large = Use a shorter e-mail address.
phone-no-country = Begin with + and the calling code of the country, such as +49.
phone-unknown-country = No country has this calling code. Check the digits after the +.
phone-syntax = Enter a phone number such as +49 151 12345678.

## Passwords

weak-short = Use at least { $min } characters; this has { $len }. A few unrelated words work well.
weak-long = Use at most { $max } characters; this has { $len }.
weak-input = Do not use your user name or e-mail address in the password.
weak-guessable = This password is easy to guess. { $advice }
advice-straight-rows = Straight rows of keys are easy to guess.
advice-keyboard-pattern = Short keyboard patterns are easy to guess.
advice-repeats = Repeats like "aaa" are easy to guess.
advice-repeated-parts = Repeats like "abcabcabc" are only slightly harder to guess than "abc".
advice-top-10 = This is a top-10 common password.
advice-top-100 = This is a top-100 common password.
advice-common = This is a very common password.
advice-similar-to-common = This is similar to a commonly used password.
advice-sequences = Sequences like abc or 6543 are easy to guess.
advice-recent-years = Recent years are easy to guess.
advice-single-word = A word by itself is easy to guess.
advice-dates = Dates are often easy to guess.
advice-single-names = Names and surnames by themselves are easy to guess.
advice-common-names = Common names and surnames are easy to guess.
advice-few-words = Use a few words, avoid common phrases.
advice-no-symbols = No need for symbols, digits, or uppercase letters.
advice-another-word = Add another word or two. Uncommon words are better.
advice-capitals = Capitalization doesn't help very much.
advice-all-capitals = All-uppercase is almost as easy to guess as all-lowercase.
advice-reversed = Reversed words aren't much harder to guess.
advice-substitutions = Predictable substitutions like '@' instead of 'a' don't help very much.
advice-longer-pattern = Use a longer keyboard pattern with more turns.
advice-no-repeats = Avoid repeated words and characters.
advice-no-sequences = Avoid sequences.
advice-no-recent-years = Avoid recent years.
advice-no-own-years = Avoid years that are associated with you.
advice-no-own-dates = Avoid dates and years that are associated with you.
advice-add-words = Add another word or two.
password-change = Change password
password-change-about = Your other sessions end when you change your password.
password-compromised = Somebody who knows your password tried to sign in and did not get past your second step. Choose another password before you go on. If you use the old one elsewhere, change it there, too.
password-current-wrong = This is not your current password.
password-same = This is the password that you want to change. Choose another one.
forgot-title = Forgot your password?
forgot-about = Tell us your user name. We send a link to set a new password to the e-mail address that you confirmed. Afterwards you sign in as usual, with your second step if you use one.
forgot-about-email = Tell us your e-mail address. We send a link to set a new password to the e-mail address that you confirmed. Afterwards you sign in as usual, with your second step if you use one.
forgot-about-either = Tell us your user name or e-mail address. We send a link to set a new password to the e-mail address that you confirmed. Afterwards you sign in as usual, with your second step if you use one.
forgot-button = Send a link
forgot-sent-title = Look into your mail
forgot-sent-about = If there is an account of that name with a confirmed e-mail address, a link is on its way there. It works once, for an hour.
forgot-sent-none = No message? Look into the folder for spam, and wait a minute before you ask again. Without a confirmed address, ask the people who run this service.
reset-title = Choose a new password
reset-about = For the account { $user }. This link works once. Afterwards you sign in with the new password and, if you use one, your authenticator app.
reset-button = Set new password
reauthenticate-title = Confirm it is you
reauthenticate-about = You are signed in as { $user }. Before this change, prove it once more.
reauthenticate-code = Verification code or backup code
reauthenticate-code-hint = The 6 digits that your authenticator app shows now, or one of your backup codes.
reauthenticate-or-passkey = Or { $link }.
reauthenticate-passkey = use your passkey
reauthenticate-malformed = Enter the 6 digits of your authenticator app, or a backup code.
reauthenticate-code-too = Enter the 6 digits of your authenticator app as well.
reauthenticate-password-wrong = This password is not right.
reauthenticate-code-wrong = This code is not right, or was used already.

## Applications

consent-title = Allow { $client } to use your account?
consent-asks = { $client } { $origin } asks for access to the account { $user }. If you allow it, it can:
consent-allow = Allow
consent-deny = Deny
consent-back = Either way you go back to { $origin }.
operation-title = Confirm this for { $client }?
operation-asks = { $client } { $origin } asks you, { $user }, to confirm exactly this:
operation-scopes = It also asks for access to your account. If you confirm, it can:
operation-hint = Confirm nothing that you did not ask for there.
scope-openid = Know that it is you when you come back
scope-profile = See your user name
scope-email = See your e-mail address
scope-offline-access = Keep this access while you are signed out
scope-other = Use the permission “{ $scope }”
logout-title = Sign out
logout-heading = Sign out?
logout-client-asks = { $client } { $origin } asks to sign you out.
logout-stay = Stay signed in
logged-out-title = You are signed out
logged-out-about = On a shared computer, close the browser as well.
back-to = Back to { $client }
form-post-title = Go back to the application
form-post-about = The application is at { $origin } and waits for the answer.
front-title = Welcome
front-about = One account for all your applications, protected by multi-factor authentication.
signed-in-as = You are signed in as { $user }.
inbox-title = Development inbox
inbox-about = No provider is configured for these messages, so they do not leave this server. The newest ones are shown here, to this machine only, until the server stops.
inbox-sms = Text message
inbox-to = To { $to }, { $time }
inbox-empty = There are no messages yet.

## The account

account-title = Your account
account-profile = Profile
account-verified = verified
account-not-verified = not verified
account-no-email = None
account-email-confirm = Confirm this address
account-email-change = Change the address
account-email-add = Add an address
account-since = Member since
account-security = Security
account-passkeys =
    { $count ->
        [one] { $count } passkey
       *[other] { $count } passkeys
    }
account-apps =
    { $count ->
        [one] { $count } authenticator app
       *[other] { $count } authenticator apps
    }
account-phones =
    { $count ->
        [one] codes to { $count } phone number
       *[other] codes to { $count } phone numbers
    }
account-emails =
    { $count ->
        [one] codes to { $count } e-mail address
       *[other] codes to { $count } e-mail addresses
    }
account-codes-left =
    { $count ->
        [one] { $count } backup code left.
       *[other] { $count } backup codes left.
    }
account-codes-few = Make new backup codes soon.
account-mfa-off = Your password alone opens this account. A passkey or a code from an authenticator app makes it much harder to break into.
account-mfa-manage = Manage
account-mfa-manage-what = Manage multi-factor authentication
mfa-enable = Enable multi-factor authentication
account-password-set = Last set { $time }.
account-password-none = None set.
account-sessions =
    { $count ->
        [one] You are signed in on this browser only.
       *[other] You are signed in on { $count } browsers.
    }
account-sessions-show = Show sessions
account-recovery-title = Somebody wants to remove your second steps
account-recovery-about = On { $begun } somebody with your password said to have lost all of them. From { $due } on they can be removed with a code that is sent to your e-mail address.
sessions-where = Where you are signed in
sessions-about = End a session that you do not recognise, then change your password.
sessions-this = this browser
sessions-from = From { $address }.
sessions-row = Signed in { $started }, last seen { $seen }.
sessions-end = End session
sessions-end-what = End session: { $browser }, signed in { $started }
trusted-heading = Trusted browsers
trusted-about = In these your password is enough to sign in. Forget one that you do not use any more: sessions that began there without a second step end, except the one that you are in.
trusted-row = Trusted since { $since }, last used { $used }, until { $until }.
trusted-forget = Forget
trusted-forget-what = Forget: { $browser }, trusted since { $since }
sign-out-everywhere = Sign out everywhere
sign-out-everywhere-about = Ends every session, this browser’s included, and the trust in every browser. Applications that you are signed in to lose their access.
browser-unknown = Unknown browser
browser-on = { $browser } on { $system }
browser-unknown-on = Unknown browser on { $system }
browser-itself = { $browser }
notice-registered = Your account is ready and you are signed in.
notice-password-changed = Your password was changed.
notice-mfa-enabled = Multi-factor authentication is on.
notice-app-removed = The authenticator app was removed.
notice-app-renamed = The authenticator app was renamed.
notice-passkey-added = The passkey was added. Use it when you sign in next.
notice-passkey-removed = The passkey was removed.
notice-passkey-renamed = The passkey was renamed.
notice-email-on = Codes can be sent to the e-mail address.
notice-email-off = No more codes are sent to the e-mail address.
notice-sms-on = Codes can be sent to the phone number.
notice-sms-off = No more codes are sent to the phone number.
notice-email-renamed = The e-mail address has its new name.
notice-address-confirmed = The e-mail address of your account is confirmed.
notice-phone-renamed = The phone has its new name.
notice-session-ended = The session was ended.
notice-trust-forgotten = The browser is not trusted any more.
notice-recovery-cancelled = The recovery was cancelled. Change your password now: somebody else knows it.

## Devices and backup codes

mfa-needed = Before you go on, set up { $what }. The people who run this service ask for it.
mfa-needed-for = Before you go on to { $client }, set up { $what }. The people who run this service ask for it.
needed-app = an authenticator app
needed-email = codes by e-mail
needed-sms = codes by text message
needed-passkey = a passkey
needed-passkey-hardware = a passkey whose maker vouches for its hardware, such as a security key
needed-any = a second step
remove-needed = The people who run this service ask for a second step. When this is removed, you must set up { $what } before you can do anything else.
remove-needed-last = It is your only one, so your backup codes stop working, too.
mfa-client-waits = { $client } { $origin } waits for you.
mfa-go-on = Go on to { $client }
device-added = Added { $added }, not used yet.
device-used = Added { $added }, last used { $used }.
device-suspended = After too many wrong codes in a row its codes are not looked at any more. Remove it, and add it again.
mfa-passkeys = Passkeys
mfa-passkeys-about = Choose “Sign in with a passkey” at sign-in, or type your password and then use one of these.
passkey-synced = synced
passkey-one-device = on one device
passkey-kind = { $kind }.
passkey-hardware = Its maker vouches for its hardware.
passkey-not-alone = It asks for no PIN, finger or face, so your password is needed as well.
mfa-apps = Authenticator apps
mfa-apps-about = After your password, signing in asks for a code from one of these.
mfa-phones = Codes by text message
mfa-emails = E-mail codes
mfa-sent-instead = After your password, a code can be sent to one of these instead.
mfa-sent-or-passkey = After your password, signing in asks for a passkey or a code that is sent to one of these.
mfa-sent-only = After your password, signing in asks for a code that is sent to one of these.
mfa-phone-weak = An authenticator app is safer: a phone number can be taken over by somebody else.
mfa-email-weak = An authenticator app is safer: mail is often open to whoever knows another of your passwords.
codes-left =
    { $count ->
        [0] You have no backup codes left.
        [one] You have 1 unused backup code left.
       *[other] You have { $count } unused backup codes left.
    }
codes-few = Make new ones before you need them.
codes-about-app = Backup codes let you sign in without your authenticator app. Each works once.
codes-about-passkey = Backup codes let you sign in without your passkey. Each works once.
codes-about-phone = Backup codes let you sign in without your phone. Each works once.
codes-about-email = Backup codes let you sign in without your e-mail. Each works once.
codes-unconfirmed = These codes were made, but you have not confirmed that you saved them. They cannot be shown again. If you do not have them, make new ones now.
codes-make = Make new backup codes
codes-saved = I have saved these codes
codes-made-about = You get ten new codes.
codes-old =
    { $count ->
        [0] You have none left of the old ones.
        [one] The 1 unused old code stops working.
       *[other] The { $count } unused old codes stop working.
    }
codes-title = Save your backup codes
codes-shown-about = Each code signs you in once when your authenticator app is not at hand. { $once } Keep them where you keep your passwords, or print them.
codes-shown-once = They are shown only now.
codes-print-head = { $product } backup codes
codes-print-whose = { $user } at { $origin }
codes-print-made = Made { $time }. Each code works once.
copy = Copy
copy-key = Copy key
download = Download
print = Print
codes-unsaved-title = Did you save your backup codes?
codes-unsaved-about = The codes cannot be shown a second time. If you did not save them, make new ones: the old ones then stop working.
codes-unsaved-tick = Tick the box once you have saved your backup codes.
totp-add = Add an authenticator app
totp-add-another = Add another authenticator app
mfa-off-about = Signing in will ask for your password and then for a 6-digit code from an authenticator app on your phone or computer, such as Aegis, Google Authenticator, Microsoft Authenticator, 1Password or Bitwarden. You also get ten backup codes for the day your phone is not at hand.
totp-name = Name of the authenticator app
totp-set-up = Set up authenticator app
totp-proposed-name = Authenticator app
totp-nameless = Give the authenticator app a name.
name-long = Give it a name of at most 64 characters.
device-name-control = Write the name without control characters.
totp-no-room = There is no room for another authenticator app. Remove one first.
totp-enrol-title = Set up your authenticator app
totp-enrol-scan = 1. Scan this QR code
totp-enrol-scan-about = Open your authenticator app, add an account and point the camera here.
totp-enrol-qr = QR code for your authenticator app
totp-enrol-here = Open in an authenticator app on this device
totp-enrol-cannot-scan = Can’t scan the QR code?
totp-enrol-key = Enter this key in the app. It is a time-based key with 6 digits every 30 seconds.
totp-enrol-code = 2. Enter the code that it shows
adds-name = Adds “{ $name }”. Nothing changes until you confirm a code.
totp-confirm-wrong = This code is not right. Enter the one shown now.
totp-remove-title = Remove authenticator app
totp-remove-about = Codes from { $name } will no longer be accepted.
totp-remove-last = It is your only authenticator app. Removing it turns multi-factor authentication off and your backup codes stop working: your password alone will open this account.
totp-rename-title = Rename authenticator app
passkey-add = Add a passkey
passkey-add-another = Add another passkey
passkey-add-about = A passkey is kept by your phone, computer, password manager or security key, and opened with your finger, face or PIN. It cannot be given to a false site, and it needs no password.
passkey-name = Name of the passkey
passkey-name-optional = Name of the passkey (optional)
passkey-nameless = Give the passkey a name.
passkey-no-room = There is no room for another passkey. Remove one first, or wait a day.
passkey-create = Create a passkey
passkey-create-about = Your browser asks where to keep the passkey: on this device, in your password manager, on your phone or on a security key. What unlocks it (finger, face or PIN) never leaves your device.
passkey-create-no-script = Passkeys need JavaScript, which is off in this browser. Turn it on and load this page again, or { $link }.
passkey-create-app-instead = set up an authenticator app
passkey-adds-name = Adds “{ $name }”. Nothing changes until the passkey is there.
passkey-adds = Nothing changes until the passkey is there.
passkey-not-created = No passkey was created. Try again.
passkey-not-accepted = This passkey was not accepted. Try again, or with another one.
passkey-synced-refused = This passkey can be copied to other devices, and such passkeys are not allowed here. Use one that stays on its device, such as a security key.
passkey-unattested = This passkey was not accepted: it does not come from a maker that the people who run this service trust. Use another one, such as a security key that they gave you, and allow the browser to see its make and model if it asks.
passkey-remove-title = Remove passkey
passkey-remove-about = { $name } will no longer sign you in. Sessions that began with it must be proved anew.
passkey-remove-last = Nothing else of yours is asked for at sign-in. Removing it turns multi-factor authentication off and your backup codes stop working: your password alone will open this account.
passkey-rename-title = Rename passkey
phone-add = Get codes by text message
phone-add-another = Get codes at another phone number
phone-add-about = For when no authenticator app is at hand. It protects less than an app: a phone number can be taken over by somebody else.
phone-hint = With + and the calling code of the country, such as +49 151 12345678.
phone-name = Name of the phone (optional)
phone-name-control = Give the phone a name without line breaks.
phone-send = Send a code to this number
phone-known = Codes are sent to this number already.
phone-no-room = There is no room for another number. Remove one first, or wait a day.
email-add = Get codes by e-mail
email-add-another = Get codes at another e-mail address
email-add-about = For when no authenticator app is at hand. It protects less than an app, and applications that ask for two factors do not take it for one.
email-send = Send a code to this address
email-known = Codes are sent to this address already.
email-no-room = There is no room for another address. Remove one first, or wait a day.
own-address-title = E-mail address of your account
own-address-current = At the moment it is { $address }.
own-address-about = Links for a forgotten password and notices go to this address. A new one is sent a code; once you have entered it here, the new address takes the place of the old one, which is told.
own-address-name = You sign in with it as well, and from then on with the new one.
own-address-new = New e-mail address
own-address-known = This is the address of your account already, and it is confirmed.
own-address-taken = Another account has this address. Sign in to that one, or enter another address.
address-enrol-sms = Confirm your phone number
address-enrol-email = Confirm your e-mail address
address-resend = Send another code
address-wrong = This code is not right, or not good any more. Enter the newest one.
address-link-about = You opened the link in our message. Press the button if codes to sign in to your account shall be sent to { $address }.
address-link-ended = This link is not good any more. Use the newest message, or have another one sent.
address-remove-sms = Stop codes by text message
address-remove-email = Stop e-mail codes
address-remove-about = No more codes will be sent to { $address }.
address-remove-last = It is your only second step. Without it multi-factor authentication is off and your backup codes stop working: your password alone will open this account.
phone-rename-title = Rename phone
email-rename-title = Rename e-mail address
email-name = Name of the e-mail address (optional)
address-rename-about = Codes go to { $address } as before. Without a name, the address itself is shown.
recommended-title = Protect your account with a second step
recommended-about = A password can be guessed, stolen or used elsewhere. With a second step nobody gets in with the password alone: you also enter a code from an app on your phone. It takes two minutes, and you get backup codes for the day your phone is not at hand.
recommended-from = From { $time } on it is required.
recommended-left =
    { $times ->
        [one] You can put it off once more.
       *[other] You can put it off { $times } times more.
    }
recommended-not-now = Not now
recommended-later = You can do it at any time on the page of your account.

## Accounts whose second steps are lost

recovery-title = Have you lost all your second steps?
recovery-within-reach = If one of them is within reach, a backup code or a browser that you trusted, use that: it is quicker.
recovery-otherwise =
    { $days ->
        [one] Otherwise you can ask to recover your account. It takes { $days } day, so that you can object if it was somebody else:
       *[other] Otherwise you can ask to recover your account. It takes { $days } days, so that you can object if it was somebody else:
    }
recovery-step-message = Now a message goes to every e-mail address that you confirmed, with a link that cancels it.
recovery-step-wait =
    { $days ->
        [one] After { $days } day, and for a week from then, sign in here with your password. We send a code to your e-mail address.
       *[other] After { $days } days, and for a week from then, sign in here with your password. We send a code to your e-mail address.
    }
recovery-step-code = With that code all your second steps and backup codes are removed, you are signed out everywhere else, and you set up a new second step.
recovery-found = If you find your second step in the meantime, sign in with it. That cancels the recovery.
recovery-ask = Ask to recover my account
recovery-waits-title = Your recovery waits
recovery-waits = Somebody with your password asked on { $begun } to recover this account. It can be completed from { $due } on: sign in again then, with your password.
recovery-waits-not-you = A message went to every e-mail address that you confirmed. If it was not you, open the link in it, or sign in with your second step. Either cancels it.
recovery-due-title = Recover your account
recovery-due = The wait is over. A code completes the recovery, until { $until }. It removes all your second steps and backup codes, signs you out everywhere else, and signs you in here.
recovery-complete = Remove my second steps and sign in
recovery-due-found = Is one of your second steps within reach after all? Use it below. That cancels the recovery.
recovery-ended = The code is not good any more, or the recovery is not.
recovery-closed-title = This recovery was cancelled
recovery-paused = A sign-in with a second step cancelled it. Another one can be begun from { $until } on.
recovery-closed = Somebody said that it was not the owner of this account who asked for it. As long as the account has the same password, no other can be begun.
recovery-closed-ask = If you cannot wait, ask the people who run this service.
recovery-not-offered = This account cannot be recovered here. Ask the people who run this service.
recovery-cancel-title = Was this not you?
recovery-cancel-about = On { $begun } somebody with the password of the account { $user } said to have lost all its second steps. From { $due } on they can be removed with a code that is sent by e-mail.
recovery-cancel-close = If it was you, close this page. If not, cancel it:
recovery-cancel-button = This was not me, cancel it
recovery-cancelled-title = It is cancelled
recovery-cancelled-about = The second steps of the account stay as they are. But somebody knows its password: change it now. Until then nobody can ask again.

## Failures

error-quote = Error { $status }. If you ask for help, name this: { $id }
error-out-of-date = This page is out of date
error-out-of-date-about = The form was open for too long, or belongs to another sign-in. Nothing was changed.
error-sign-in-first = Sign in first
error-sign-in-first-about = This page is for people who are signed in.
error-enrol-first = Set up a second step first
error-enrol-first-about = This account asks for one.
error-password-first = Choose another password first
error-password-first-about = Somebody else may know the one that you signed in with.
error-signed-in = You are signed in
error-signed-in-about = There is nothing left to do here.
error-not-found = Page not found
error-not-found-about = There is no page at this address.
error-method = This does not work here
error-method-about = The page at this address cannot be used in this way.
error-too-large = Too much was sent
error-too-large-about = The form holds more than this server takes.
error-too-large-next = Shorten what you typed.
error-too-many = Too many attempts
error-too-many-about = There were too many attempts from your network.
error-bad-request = This request cannot be read
error-bad-request-about = Your browser, or something between it and this server, sent a request that makes no sense here.
error-wrong-host = Wrong address
error-wrong-host-about = This is a development server. It answers only under the address that is its issuer, and not behind a proxy.
error-wrong-host-next = Open the issuer's address, or configure an https issuer.
error-login-ended = This sign-in has ended
error-login-ended-about = It was completed in another tab, took too long, or was begun in another browser.
error-login-ended-next = If an application sent you here, go back to it and sign in from there.
error-link-ended = This link does not work
error-link-ended-about = It was used already, has expired, or is not complete.
error-link-ended-next = Ask for a new link.
error-application = The application sent a wrong request
error-application-no-client = The request does not say which application it is from: client_id is missing.
error-application-unknown-client = No application is registered under the client_id of the request.
error-application-no-redirect = The request does not say where to return to: redirect_uri is missing.
error-application-unregistered = The redirect_uri of the request is not one of those registered for the application. It must be the same to the letter.
error-application-repeated = The request names its client_id or redirect_uri more than once.
error-application-unreadable = The parameters of the request cannot be read.
error-application-next = Tell the people who run the application. Signing in again does not help.
error-unavailable = Not available just now
error-unavailable-about = The server could not finish this in time. It may or may not have been done.
error-unavailable-next = Wait a moment, then look and try again.
error-internal = Something went wrong
error-internal-about = The server made a mistake. It was noted.
error-internal-next = Try again. If it happens again, tell the people who run this service the id below.

## Dates

date-time =
    { $day } { $month ->
        [1] January
        [2] February
        [3] March
        [4] April
        [5] May
        [6] June
        [7] July
        [8] August
        [9] September
        [10] October
        [11] November
       *[12] December
    } { $year }, { $time } UTC

## Mail

mail-hello = Hello { $user },
mail-code-keep =
    It works once, within 10 minutes, on the page that asked for it. Do not
    give it to anybody: nobody who runs this service will ask you for it.
mail-either-keep =
    Either works once, within 10 minutes. Do not give them to anybody: nobody
    who runs this service will ask you for them.
mail-sign-in-subject = Your code to sign in to { $product }
mail-sign-in-about = this code completes your sign-in at { $origin }:
mail-sign-in-link = Or open this link, in the browser in which you are signing in:
mail-sign-in-not-you =
    If you are not signing in just now, somebody knows your password. Change
    it: { $link }
mail-activation-subject = Confirm your e-mail address for { $product }
mail-activation-hello = Hello,
mail-activation-about =
    somebody with an account at { $origin }
    wants codes to sign in to be sent to this address. This code confirms it:
mail-activation-link = Or open this link, in the browser in which the address was entered:
mail-activation-not-you = If that was not you, ignore this message: without the code nothing happens.
mail-activation-not-you-either = If that was not you, ignore this message: without them nothing happens.
mail-address-about =
    somebody with an account at { $origin }
    says that this is their address. This code confirms it:
mail-reset-subject = Set a new password for { $product }
mail-reset-about =
    open this link to set a new password for your account at
    { $origin }:
mail-reset-keep =
    It works once, within an hour. Afterwards you sign in as usual, with your
    second step if you use one.
mail-reset-not-you = If you did not ask for it, ignore this message: your password stays as it is.
mail-registration-subject = Create your account at { $product }
mail-registration-about =
    open this link to create an account under this address at
    { $origin }:
mail-registration-keep = It leads on to choosing a password, and works once, within an hour.
mail-registration-not-you = If that was not you, ignore this message: without the link there is no account.
mail-registered-subject = You have an account at { $product }
mail-registered-about =
    somebody wanted to create an account under this address at
    { $origin }, and there is one already.
mail-registered-sign-in =
    If that was you, sign in: { $login }
    If you do not know the password any more, set a new one:
    { $forgot }
mail-registered-not-you = If that was not you, ignore this message: nothing was changed.
mail-recovery-begun-subject = Somebody wants to remove your second steps at { $product }
mail-recovery-begun-about =
    somebody who knows your password says to have lost all second steps of your
    account at { $origin }.
mail-recovery-begun-due =
    From { $due } on they can be removed, with your
    password and a code that is sent to your e-mail address.
mail-recovery-begun-cancel =
    If that was you, keep this message and sign in again then. If not, cancel it
    by this link, which works in any browser:
mail-recovery-begun-password = and change your password: { $link }
mail-recovery-code-subject = Your code to recover your account at { $product }
mail-recovery-code-about =
    this code removes all second steps of your account at
    { $origin } and signs you in:
mail-recovery-code-cancel =
    If you are not recovering your account just now, cancel it by this link and
    change your password:
mail-recovery-due-subject = Your second steps at { $product } are about to be removed
mail-recovery-due-about =
    the wait is over, and somebody who knows your password has now asked for the
    code that removes all second steps of your account at
    { $origin }. It went to another address of yours.
mail-recovery-due-cancel =
    If that was you, nothing is to be done here. If not, cancel it at once by
    this link, which works in any browser, and change your password:
mail-notice-about =
    { $what }. Your account at { $origin }
    is concerned.
mail-notice-next =
    If that was you, nothing is to be done. If not, change your password now
    and look after your sessions: { $link }
    If you cannot sign in, ask the people who run this service.
mail-what-password-changed = Your password was changed
mail-what-password-reset = Your password was set anew by a link
mail-what-app-added = An authenticator app was added
mail-what-app-removed = An authenticator app was removed
mail-what-email-on = Codes by e-mail were turned on for an address
mail-what-email-off = Codes by e-mail were turned off for an address
mail-what-sms-on = Codes by text message were turned on for a phone number
mail-what-sms-off = Codes by text message were turned off for a phone number
mail-what-passkey-added = A passkey was added
mail-what-passkey-removed = A passkey was removed
mail-what-passkey-copied = A passkey may have been copied, and was refused
mail-what-codes-replaced = New backup codes were made
mail-what-code-used = A backup code was used
mail-what-factors-reset = All second steps were removed by an operator
mail-what-trust-copied = The mark of a browser that you trusted was used twice, with the right password
mail-what-recovery-cancelled = A request to remove all your second steps was cancelled
mail-what-recovery-completed = All second steps were removed, by your password and a code sent by e-mail
mail-what-password-suspended = Your password is locked after a hundred wrong tries
mail-what-codes-suspended = A second step is locked after a hundred wrong codes
mail-what-backup-suspended = Your backup codes are locked after a hundred wrong tries
mail-what-address-confirmed = The e-mail address of your account was confirmed
mail-what-address-changed = The e-mail address of your account was changed
mail-suspended-password =
    None of the tries was right. Browsers that you signed in with before still
    take your password, and passkeys work as ever. To use it in other browsers,
    set a new one: { $link }
    If that does not help, ask the people who run this service.
mail-suspended-codes =
    None of the codes was right, but whoever tried them knows your password. If
    it was not you, change it now. Sign in with another second step or a backup
    code, then remove the locked one and add it again: { $link }
    If you cannot sign in, ask the people who run this service.
mail-suspended-backup =
    None of the tries was right, but whoever made them knows your password. If
    it was not you, change it now. Sign in with your second step and make new
    backup codes: { $link }
    If you cannot sign in, ask the people who run this service.

## Text messages

sms-sign-in = { $code } completes your sign-in to { $product }. Never give it to anybody.
sms-activation = { $code } confirms this number for { $product }. Never give it to anybody.
sms-recovery-begun = { $product }: Somebody asked to remove your second steps on { $due }. Was it not you? Sign in now.
sms-recovery-due = { $product }: Your second steps are about to be removed. Was it not you? Sign in now.
sms-notice = { $product }: { $what }. Was it not you? Sign in and check your account.
