# Die Wörter der Seiten, E-Mails und SMS. Anrede: Sie. SMS: nur Zeichen aus GSM-7.

## Names of things

sign-in = Anmelden
sign-out = Abmelden
user-name = Benutzername
user-name-or-email = Benutzername oder E-Mail-Adresse
password = Passwort
password-new = Neues Passwort
password-current = Aktuelles Passwort
email-address = E-Mail-Adresse
phone-number = Telefonnummer
optional = (freiwillig)
backup-code = Backup-Code
backup-codes = Backup-Codes
mfa = Zwei-Faktor-Anmeldung
sessions = Sitzungen
on = ein
off = aus
suspended = gesperrt
example-phone = Handy
example-laptop = Arbeitslaptop
example-email = Firmenpost
list-separator = {", "}
list-more = { $first }, { $next }
list-or = { $first } oder { $last }
list-and = { $first } und { $last }
two-sentences = { $first } { $second }

## What buttons and links do

cancel = Abbrechen
confirm = Bestätigen
continue = Weiter
verify = Prüfen
rename = Umbenennen
rename-what = { $name } umbenennen
remove = Entfernen
remove-what = { $name } entfernen
show = Anzeigen
show-password = Passwort anzeigen
start-again = Neu beginnen
sign-in-again = Erneut anmelden
set-it-up = Einrichten
to-front-page = Zur Startseite
create-account-link = Konto erstellen

## The frame of every page

title-error = Fehler: { $title }
layout-skip = Zum Inhalt springen
layout-server-notice = Hinweis zum Server
layout-dev = Entwicklungsserver.
layout-session = Sitzung
layout-account = Konto
layout-overview = Übersicht
layout-you-are-at = Sie sind auf { $origin }. Geben Sie Passwörter und Codes nur ein, wenn Ihr Browser diese Adresse anzeigt.
dev-notice = Was an ihn gesendet wird, ist nicht verschlüsselt. Verwenden Sie ihn nur auf diesem Rechner.
help = Hilfe
help-password-question = Sie haben Ihr Passwort vergessen
help-password-answer = Wählen Sie bei der Anmeldung „Passwort vergessen?“, wenn es dort steht. Sonst bitten Sie die Betreiber dieses Dienstes um einen Link zum Zurücksetzen.
help-device-question = Sie haben Ihre Authenticator-App oder Ihren Passkey nicht zur Hand
help-device-answer = Wählen Sie nach dem Passwort „Backup-Code verwenden“. Ohne Backup-Codes wenden Sie sich an die Betreiber dieses Dienstes.
help-device-answer-recovery = Wählen Sie nach dem Passwort „Backup-Code verwenden“. Ohne Backup-Codes wählen Sie dort „Ich habe alle meine zweiten Schritte verloren“.
help-code-question = Ihr Bestätigungscode wird abgelehnt
help-code-answer = Lassen Sie Ihr Handy die Uhrzeit automatisch einstellen, warten Sie auf den nächsten Code und verwenden Sie ihn nur einmal.

## Forms

retry =
    { $seconds ->
        [one] Versuchen Sie es um { $time } erneut (in 1 Sekunde).
       *[other] Versuchen Sie es um { $time } erneut (in { $seconds } Sekunden).
    }
password-rule = { $min } bis { $max } Zeichen. Mehrere Wörter hintereinander lassen sich leicht merken; Ziffern oder Sonderzeichen sind nicht nötig.
code = Bestätigungscode
code-app-hint = Die 6 Ziffern, die Ihre Authenticator-App gerade anzeigt.
code-sent-hint = Die 6 Ziffern, die an { $to } gesendet wurden. Sie gelten 10 Minuten.
code-sent-link = Oder öffnen Sie den Link aus der Nachricht in diesem Browser.
no-message-heading = Noch keine Nachricht da?
no-message-wait = Es kann eine Minute dauern.
no-message-spam = Sehen Sie auch im Spam-Ordner nach.
no-message-again = Ab { $time } kann ein weiterer Code gesendet werden.
no-message-replaces = Ein neuer Code ersetzt den vorigen.
trust-browser =
    { $days ->
        [one] Diesem Browser { $days } Tag lang vertrauen
       *[other] Diesem Browser { $days } Tage lang vertrauen
    }
trust-browser-hint = Hier genügt dann Ihr Passwort. Nicht auf einem Gerät, das auch andere benutzen.
device-name-hint = Damit Sie es hier später wiedererkennen, zum Beispiel „{ $example }“.
device-name-hint-bounded = Damit Sie es hier später wiedererkennen, zum Beispiel „{ $example }“. Höchstens 64 Zeichen.
client-continue = weiter zu { $client } { $origin }

## Which step of several it is

step-of = Schritt { $step } von { $of }: noch einer.
step-asked = Die Betreiber dieses Dienstes verlangen { $what }.
step-asked-more = Die Betreiber dieses Dienstes verlangen mehr, als bisher angegeben wurde.
asked-app = einen Code Ihrer Authenticator-App
asked-email = einen Code per E-Mail
asked-sms = einen Code per SMS
asked-passkey = Ihren Passkey

## Other ways at the second step

other-ways = Anderen Weg versuchen
ways-suspended = Nach zu vielen falschen Codes in Folge ist ein Weg gesperrt, mit dem Sie sich ausweisen können; er wird nicht angeboten. Verwenden Sie einen anderen, und richten Sie ihn neu ein, sobald Sie angemeldet sind.
way-passkey = Passkey verwenden
way-totp = Authenticator-App verwenden
way-sms = Code per SMS erhalten
way-email = Code per E-Mail erhalten
way-backup-code = Backup-Code verwenden
way-recovery = Ich habe alle meine zweiten Schritte verloren
way-someone-else = Als jemand anderes anmelden

## What scripts say

script-copied = Kopiert.
script-selected = Markiert. Drücken Sie Strg+C oder ⌘C zum Kopieren.
script-downloaded = Heruntergeladen.
script-again-left = In { $left } kann ein weiterer Code gesendet werden.
script-again-now = Jetzt kann ein weiterer Code gesendet werden.
script-passkey-follow = Folgen Sie den Anweisungen Ihres Browsers.
script-passkey-cancelled = Das wurde abgebrochen oder hat zu lange gedauert. Sie können es erneut versuchen.
script-passkey-known = Dieses Gerät oder dieser Passwortmanager hat bereits einen Passkey für dieses Konto.
script-passkey-failed = Der Browser konnte hier keinen Passkey verwenden. Versuchen Sie es erneut oder auf einem anderen Weg.
script-passkey-none = Dieser Browser kennt keine Passkeys. Verwenden Sie einen anderen oder einen anderen Weg.

## Signing in

login-more = Melden Sie sich noch einmal mit allem an, was verlangt wird: Dieses Konto verlangt einen zweiten Schritt, der in dieser Sitzung fehlt.
login-passkey = Mit einem Passkey anmelden
login-forgot = Passwort vergessen?
login-new-here = Neu hier?
login-wrong = Der Benutzername oder das Passwort stimmt nicht.
login-wrong-email = Die E-Mail-Adresse oder das Passwort stimmt nicht.
login-wrong-either = Der Benutzername, die E-Mail-Adresse oder das Passwort stimmt nicht.
too-many-attempts = Zu viele Versuche.
message-too-early = Es kann noch keine weitere Nachricht gesendet werden.
way-closed = Nach zu vielen Fehlversuchen ist dieser Weg gesperrt. Verwenden Sie einen anderen oder wenden Sie sich an die Betreiber dieses Dienstes.
totp-title = Geben Sie Ihren Bestätigungscode ein
totp-malformed = Geben Sie die 6 Ziffern ein, die Ihre Authenticator-App anzeigt.
totp-wrong = Dieser Code stimmt nicht oder wurde schon verwendet. Warten Sie auf den nächsten.
sent-title-sms = Geben Sie den Code aus der SMS ein
sent-title-email = Geben Sie den Code aus der E-Mail ein
sent-ask-sms = Code per SMS erhalten
sent-ask-email = Code per E-Mail erhalten
sent-send = Code an { $address } senden
sent-send-another = Weiteren Code an { $address } senden
sent-malformed = Geben Sie die 6 Ziffern aus der neuesten Nachricht ein.
sent-wrong = Dieser Code stimmt nicht. Geben Sie den aus der neuesten Nachricht ein.
sent-ended = Der Code gilt nicht mehr. Fordern Sie einen neuen an.
sent-link-ended = Dieser Link gilt nicht mehr. Verwenden Sie die neueste Nachricht, oder fordern Sie eine neue an.
login-link-title = Anmeldung abschließen
login-link-about = Sie haben den Link aus unserer Nachricht geöffnet. Mit der Schaltfläche schließen Sie die Anmeldung ab, die Sie in diesem Browser begonnen haben.
login-link-wrong = Dieser Link schließt Ihre Anmeldung nicht ab.
elsewhere-title = Kehren Sie dorthin zurück, wo Sie begonnen haben
elsewhere-login = Dieser Link funktioniert nur in dem Browser, in dem die Anmeldung begonnen wurde, und dies ist ein anderer. Hier ist nichts geschehen. Geben Sie stattdessen dort diesen Code ein:
elsewhere-address = Dieser Link funktioniert nur in dem Browser, in dem die Adresse eingegeben wurde, und dies ist ein anderer. Hier ist nichts geschehen. Geben Sie stattdessen dort diesen Code ein:
elsewhere-good = Er gilt einmal, 10 Minuten lang ab unserer Nachricht.
elsewhere-not-you = Sie haben nichts begonnen?
elsewhere-login-not-you = Dann kennt jemand Ihr Passwort und wartet auf diesen Code. Geben Sie ihn an niemanden weiter, und { $link }.
elsewhere-login-change = ändern Sie Ihr Passwort
elsewhere-address-not-you = Dann hat jemand versehentlich Ihre Adresse eingegeben. Geben Sie den Code an niemanden weiter, und schließen Sie diese Seite.
sms-unpaid-country = In dieses Land werden keine SMS gesendet.
sms-unpaid-country-day = In dieses Land werden heute keine SMS mehr gesendet.
sms-unpaid-budget = Heute werden keine SMS mehr gesendet.
sms-unpaid-number = An diese Nummer gingen zu viele SMS. Im Moment wird keine weitere an sie gesendet.
sms-held-country = In dieses Land werden zurzeit keine SMS gesendet.
sms-held-address = Aus Ihrem Netz wurden zu viele SMS angefordert. Zurzeit werden keine mehr gesendet.
sms-unpaid-use-app = Verwenden Sie stattdessen eine Authenticator-App.
sms-unpaid-choose = Wählen Sie unten einen anderen Weg.
backup-code-hint = Einer der Codes, die Sie gespeichert haben. Jeder gilt einmal. Groß- oder Kleinschreibung, Leerzeichen und Bindestriche spielen keine Rolle.
backup-code-malformed = Ein Backup-Code hat 20 Buchstaben und Ziffern. Vergleichen Sie ihn mit Ihrer Kopie.
backup-code-wrong = Dieser Backup-Code stimmt nicht oder wurde schon verwendet.
passkey-title = Passkey verwenden
passkey-about = Ihr Browser fragt nach Ihrem Passkey: Fingerabdruck, Berühren eines Sicherheitsschlüssels, Gesicht oder PIN.
passkey-no-script = Passkeys brauchen JavaScript, das in diesem Browser ausgeschaltet ist. Schalten Sie es ein und laden Sie diese Seite neu, oder versuchen Sie einen anderen Weg.
passkey-not-used = Es wurde kein Passkey verwendet. Versuchen Sie es erneut.
passkey-refused = Dieser Passkey wurde nicht angenommen. Verwenden Sie einen anderen oder einen anderen Weg zur Anmeldung.

## New accounts

register-title = Konto erstellen
register-button = Konto erstellen
register-have-one = Sie haben schon ein Konto?
register-by-email-question = Sie möchten keinen Benutzernamen wählen?
register-by-email = E-Mail-Adresse verwenden
register-email-about = Wir senden einen Link an Ihre Adresse. Er führt weiter zur Wahl eines Passworts.
register-by-name-question = Sie möchten keine E-Mail-Adresse verwenden?
register-by-name = Benutzernamen wählen
register-sent-about = Wir haben eine Nachricht an die Adresse gesendet, die Sie eingegeben haben. Öffnen Sie den Link darin, um fortzufahren; er gilt einmal, eine Stunde lang.
register-sent-none = Keine Nachricht? Sehen Sie im Spam-Ordner nach, und warten Sie eine Minute, bevor Sie es erneut versuchen. Prüfen Sie, ob die Adresse stimmt.
register-enter-again = Adresse erneut eingeben
register-confirm-title = Wählen Sie Ihr Passwort
register-confirm-about = Damit entsteht Ihr Konto unter { $address }. Nicht Ihre Adresse? Dann schließen Sie diese Seite.
setup-title = Ersten Administrator anlegen
setup-about = Dieser Link gilt einmal und legt ein Administratorkonto an.
setup-can-heading = Was ein Administrator in dieser Version tun kann
setup-can = Das Konto meldet sich wie jedes andere an und steht im Auditprotokoll als Administrator. Die Verwaltungskonsole gehört nicht zu dieser Version: Benutzer, Clients und Schlüssel werden auf dem Server mit dem Befehl { $command } verwaltet.
setup-account-heading = Ihr Konto
setup-button = Administrator anlegen
user-name-taken = Dieser Benutzername ist vergeben. Wählen Sie einen anderen.
user-name-empty = Geben Sie einen Benutzernamen ein.
user-name-long = Der Benutzername darf höchstens { $max } Zeichen haben.
user-name-large = Wählen Sie einen kürzeren Benutzernamen: Diese Zeichen brauchen mehr Platz als Buchstaben.
user-name-space = Lassen Sie im Benutzernamen keine Leerzeichen.
user-name-invisible = Der Benutzername enthält ein unsichtbares Zeichen. Tippen Sie ihn, statt ihn einzufügen.
user-name-at = Lassen Sie das @ im Benutzernamen weg; die E-Mail-Adresse hat ein eigenes Feld.
email-long = Verwenden Sie eine E-Mail-Adresse mit höchstens { $max } Zeichen.
email-syntax = Geben Sie eine E-Mail-Adresse wie name@example.org ein.
email-look-alike = Verwenden Sie eine E-Mail-Adresse ohne Zeichen, die anderen zum Verwechseln ähnlich sehen.
email-large = Verwenden Sie eine kürzere E-Mail-Adresse.
phone-no-country = Beginnen Sie mit + und der Landesvorwahl, zum Beispiel +49.
phone-unknown-country = Kein Land hat diese Vorwahl. Prüfen Sie die Ziffern nach dem +.
phone-syntax = Geben Sie eine Telefonnummer wie +49 151 12345678 ein.

## Passwords

weak-short = Verwenden Sie mindestens { $min } Zeichen; dieses Passwort hat { $len }. Einige Wörter ohne Zusammenhang eignen sich gut.
weak-long = Verwenden Sie höchstens { $max } Zeichen; dieses Passwort hat { $len }.
weak-input = Verwenden Sie im Passwort weder Ihren Benutzernamen noch Ihre E-Mail-Adresse.
weak-guessable = Dieses Passwort ist leicht zu erraten. { $advice }
advice-straight-rows = Tastenreihen sind leicht zu erraten.
advice-keyboard-pattern = Kurze Tastaturmuster sind leicht zu erraten.
advice-repeats = Wiederholungen wie „aaa“ sind leicht zu erraten.
advice-repeated-parts = Wiederholungen wie „abcabcabc“ sind kaum schwerer zu erraten als „abc“.
advice-top-10 = Dies ist eines der zehn häufigsten Passwörter.
advice-top-100 = Dies ist eines der hundert häufigsten Passwörter.
advice-common = Dies ist ein sehr häufiges Passwort.
advice-similar-to-common = Dies ähnelt einem häufig verwendeten Passwort.
advice-sequences = Folgen wie abc oder 6543 sind leicht zu erraten.
advice-recent-years = Jahreszahlen der letzten Zeit sind leicht zu erraten.
advice-single-word = Ein einzelnes Wort ist leicht zu erraten.
advice-dates = Datumsangaben sind oft leicht zu erraten.
advice-single-names = Vor- und Nachnamen allein sind leicht zu erraten.
advice-common-names = Häufige Vor- und Nachnamen sind leicht zu erraten.
advice-few-words = Verwenden Sie einige Wörter und meiden Sie bekannte Redewendungen.
advice-no-symbols = Sonderzeichen, Ziffern oder Großbuchstaben sind nicht nötig.
advice-another-word = Fügen Sie ein oder zwei Wörter hinzu. Seltene Wörter sind besser.
advice-capitals = Großbuchstaben helfen kaum.
advice-all-capitals = Nur Großbuchstaben sind fast so leicht zu erraten wie nur Kleinbuchstaben.
advice-reversed = Umgedrehte Wörter sind kaum schwerer zu erraten.
advice-substitutions = Vorhersehbare Ersetzungen wie „@“ statt „a“ helfen kaum.
advice-longer-pattern = Verwenden Sie ein längeres Tastaturmuster mit mehr Richtungswechseln.
advice-no-repeats = Meiden Sie wiederholte Wörter und Zeichen.
advice-no-sequences = Meiden Sie Folgen.
advice-no-recent-years = Meiden Sie Jahreszahlen der letzten Zeit.
advice-no-own-years = Meiden Sie Jahreszahlen, die mit Ihnen zu tun haben.
advice-no-own-dates = Meiden Sie Daten und Jahreszahlen, die mit Ihnen zu tun haben.
advice-add-words = Fügen Sie ein oder zwei Wörter hinzu.
password-change = Passwort ändern
password-change-about = Ihre anderen Sitzungen enden, wenn Sie Ihr Passwort ändern.
password-compromised = Jemand, der Ihr Passwort kennt, hat versucht, sich anzumelden, und ist am zweiten Schritt gescheitert. Wählen Sie ein anderes Passwort, bevor Sie fortfahren. Wenn Sie das alte auch anderswo verwenden, ändern Sie es dort ebenfalls.
password-current-wrong = Das ist nicht Ihr aktuelles Passwort.
password-same = Das ist das Passwort, das Sie ändern möchten. Wählen Sie ein anderes.
forgot-title = Passwort vergessen?
forgot-about = Nennen Sie uns Ihren Benutzernamen. Wir senden einen Link zum Setzen eines neuen Passworts an die E-Mail-Adresse, die Sie bestätigt haben. Danach melden Sie sich wie gewohnt an, gegebenenfalls mit Ihrem zweiten Schritt.
forgot-about-email = Nennen Sie uns Ihre E-Mail-Adresse. Wir senden einen Link zum Setzen eines neuen Passworts an die E-Mail-Adresse, die Sie bestätigt haben. Danach melden Sie sich wie gewohnt an, gegebenenfalls mit Ihrem zweiten Schritt.
forgot-about-either = Nennen Sie uns Ihren Benutzernamen oder Ihre E-Mail-Adresse. Wir senden einen Link zum Setzen eines neuen Passworts an die E-Mail-Adresse, die Sie bestätigt haben. Danach melden Sie sich wie gewohnt an, gegebenenfalls mit Ihrem zweiten Schritt.
forgot-button = Link senden
forgot-sent-title = Sehen Sie in Ihre E-Mails
forgot-sent-about = Wenn es ein Konto mit diesem Namen und einer bestätigten E-Mail-Adresse gibt, ist ein Link dorthin unterwegs. Er gilt einmal, eine Stunde lang.
forgot-sent-none = Keine Nachricht? Sehen Sie im Spam-Ordner nach, und warten Sie eine Minute, bevor Sie es erneut versuchen. Ohne bestätigte Adresse wenden Sie sich an die Betreiber dieses Dienstes.
reset-title = Neues Passwort wählen
reset-about = Für das Konto { $user }. Dieser Link gilt einmal. Danach melden Sie sich mit dem neuen Passwort und, falls Sie eine verwenden, Ihrer Authenticator-App an.
reset-button = Neues Passwort setzen
reauthenticate-title = Bestätigen Sie, dass Sie es sind
reauthenticate-about = Sie sind als { $user } angemeldet. Weisen Sie sich vor dieser Änderung noch einmal aus.
reauthenticate-code = Bestätigungscode oder Backup-Code
reauthenticate-code-hint = Die 6 Ziffern, die Ihre Authenticator-App gerade anzeigt, oder einer Ihrer Backup-Codes.
reauthenticate-or-passkey = Oder { $link }.
reauthenticate-passkey = verwenden Sie Ihren Passkey
reauthenticate-malformed = Geben Sie die 6 Ziffern Ihrer Authenticator-App oder einen Backup-Code ein.
reauthenticate-code-too = Geben Sie auch die 6 Ziffern Ihrer Authenticator-App ein.
reauthenticate-password-wrong = Dieses Passwort stimmt nicht.
reauthenticate-code-wrong = Dieser Code stimmt nicht oder wurde schon verwendet.

## Applications

consent-title = { $client } erlauben, Ihr Konto zu verwenden?
consent-asks = { $client } { $origin } bittet um Zugriff auf das Konto { $user }. Wenn Sie es erlauben, kann die Anwendung:
consent-allow = Erlauben
consent-deny = Ablehnen
consent-back = In beiden Fällen kehren Sie zu { $origin } zurück.
operation-title = Dies für { $client } bestätigen?
operation-asks = { $client } { $origin } bittet Sie, { $user }, genau dies zu bestätigen:
operation-scopes = Die Anwendung bittet auch um Zugriff auf Ihr Konto. Wenn Sie bestätigen, kann sie:
operation-hint = Bestätigen Sie nichts, was Sie dort nicht veranlasst haben.
scope-openid = Sie wiedererkennen, wenn Sie zurückkommen
scope-profile = Ihren Benutzernamen sehen
scope-email = Ihre E-Mail-Adresse sehen
scope-offline-access = Diesen Zugriff behalten, auch wenn Sie abgemeldet sind
scope-other = Die Berechtigung „{ $scope }“ verwenden
logout-title = Abmelden
logout-heading = Abmelden?
logout-client-asks = { $client } { $origin } möchte Sie abmelden.
logout-stay = Angemeldet bleiben
logged-out-title = Sie sind abgemeldet
logged-out-about = Schließen Sie auf einem gemeinsam genutzten Rechner auch den Browser.
back-to = Zurück zu { $client }
form-post-title = Zurück zur Anwendung
form-post-about = Die Anwendung ist auf { $origin } und wartet auf die Antwort.
front-title = Willkommen
front-about = Ein Konto für alle Ihre Anwendungen, geschützt durch Zwei-Faktor-Anmeldung.
signed-in-as = Sie sind als { $user } angemeldet.
inbox-title = Postfach für die Entwicklung
inbox-about = Für diese Nachrichten ist kein Anbieter eingerichtet, deshalb verlassen sie diesen Server nicht. Die neuesten werden hier angezeigt, nur für diesen Rechner, bis der Server endet.
inbox-sms = SMS
inbox-to = An { $to }, { $time }
inbox-empty = Es gibt noch keine Nachrichten.

## The account

account-title = Ihr Konto
account-profile = Profil
account-verified = bestätigt
account-not-verified = nicht bestätigt
account-no-email = Keine
account-email-confirm = Diese Adresse bestätigen
account-email-change = Adresse ändern
account-email-add = Adresse hinzufügen
account-since = Mitglied seit
account-security = Sicherheit
account-passkeys =
    { $count ->
        [one] { $count } Passkey
       *[other] { $count } Passkeys
    }
account-apps =
    { $count ->
        [one] { $count } Authenticator-App
       *[other] { $count } Authenticator-Apps
    }
account-phones =
    { $count ->
        [one] Codes an { $count } Telefonnummer
       *[other] Codes an { $count } Telefonnummern
    }
account-emails =
    { $count ->
        [one] Codes an { $count } E-Mail-Adresse
       *[other] Codes an { $count } E-Mail-Adressen
    }
account-codes-left =
    { $count ->
        [one] noch { $count } Backup-Code.
       *[other] noch { $count } Backup-Codes.
    }
account-codes-few = Erstellen Sie bald neue Backup-Codes.
account-mfa-off = Allein Ihr Passwort öffnet dieses Konto. Ein Passkey oder ein Code aus einer Authenticator-App macht einen Einbruch viel schwerer.
account-mfa-manage = Verwalten
account-mfa-manage-what = Zwei-Faktor-Anmeldung verwalten
mfa-enable = Zwei-Faktor-Anmeldung einschalten
account-password-set = Zuletzt gesetzt am { $time }.
account-password-none = Keines gesetzt.
account-sessions =
    { $count ->
        [one] Sie sind nur in diesem Browser angemeldet.
       *[other] Sie sind in { $count } Browsern angemeldet.
    }
account-sessions-show = Sitzungen anzeigen
account-recovery-title = Jemand möchte Ihre zweiten Schritte entfernen
account-recovery-about = Am { $begun } hat jemand mit Ihrem Passwort angegeben, sie alle verloren zu haben. Ab dem { $due } können sie mit einem Code entfernt werden, der an Ihre E-Mail-Adresse gesendet wird.
sessions-where = Wo Sie angemeldet sind
sessions-about = Beenden Sie eine Sitzung, die Sie nicht kennen, und ändern Sie dann Ihr Passwort.
sessions-this = dieser Browser
sessions-from = Von { $address }.
sessions-row = Angemeldet am { $started }, zuletzt gesehen am { $seen }.
sessions-end = Sitzung beenden
sessions-end-what = Sitzung beenden: { $browser }, angemeldet am { $started }
trusted-heading = Vertrauenswürdige Browser
trusted-about = In diesen genügt Ihr Passwort zum Anmelden. Entfernen Sie einen, den Sie nicht mehr benutzen: Sitzungen, die dort ohne zweiten Schritt begannen, enden, außer der aktuellen.
trusted-row = Vertrauenswürdig seit { $since }, zuletzt benutzt am { $used }, bis { $until }.
trusted-forget = Vertrauen beenden
trusted-forget-what = Vertrauen beenden: { $browser }, vertrauenswürdig seit { $since }
sign-out-everywhere = Überall abmelden
sign-out-everywhere-about = Beendet jede Sitzung, auch die dieses Browsers, und das Vertrauen in jeden Browser. Anwendungen, bei denen Sie angemeldet sind, verlieren ihren Zugriff.
browser-unknown = Unbekannter Browser
browser-on = { $browser } auf { $system }
browser-unknown-on = Unbekannter Browser auf { $system }
browser-itself = { $browser }
notice-registered = Ihr Konto ist bereit, und Sie sind angemeldet.
notice-password-changed = Ihr Passwort wurde geändert.
notice-mfa-enabled = Die Zwei-Faktor-Anmeldung ist eingeschaltet.
notice-app-removed = Die Authenticator-App wurde entfernt.
notice-app-renamed = Die Authenticator-App wurde umbenannt.
notice-passkey-added = Der Passkey wurde hinzugefügt. Verwenden Sie ihn bei der nächsten Anmeldung.
notice-passkey-removed = Der Passkey wurde entfernt.
notice-passkey-renamed = Der Passkey wurde umbenannt.
notice-email-on = An die E-Mail-Adresse können Codes gesendet werden.
notice-email-off = An die E-Mail-Adresse werden keine Codes mehr gesendet.
notice-sms-on = An die Telefonnummer können Codes gesendet werden.
notice-sms-off = An die Telefonnummer werden keine Codes mehr gesendet.
notice-email-renamed = Die E-Mail-Adresse hat ihren neuen Namen.
notice-address-confirmed = Die E-Mail-Adresse Ihres Kontos ist bestätigt.
notice-phone-renamed = Das Handy hat seinen neuen Namen.
notice-session-ended = Die Sitzung wurde beendet.
notice-trust-forgotten = Dem Browser wird nicht mehr vertraut.
notice-recovery-cancelled = Die Wiederherstellung wurde abgebrochen. Ändern Sie jetzt Ihr Passwort: Jemand anderes kennt es.

## Devices and backup codes

mfa-needed = Bevor Sie fortfahren, richten Sie { $what } ein. Die Betreiber dieses Dienstes verlangen es.
mfa-needed-for = Bevor Sie zu { $client } weitergehen, richten Sie { $what } ein. Die Betreiber dieses Dienstes verlangen es.
needed-app = eine Authenticator-App
needed-email = Codes per E-Mail
needed-sms = Codes per SMS
needed-passkey = einen Passkey
needed-passkey-hardware = einen Passkey mit vom Hersteller verbürgter Hardware (zum Beispiel einen Sicherheitsschlüssel)
needed-any = einen zweiten Schritt
remove-needed = Die Betreiber dieses Dienstes verlangen einen zweiten Schritt. Nach dem Entfernen müssen Sie { $what } einrichten, bevor Sie etwas anderes tun können.
remove-needed-last = Es ist Ihr einziger, deshalb gelten auch Ihre Backup-Codes nicht mehr.
mfa-client-waits = { $client } { $origin } wartet auf Sie.
mfa-go-on = Weiter zu { $client }
device-added = Hinzugefügt am { $added }, noch nicht verwendet.
device-used = Hinzugefügt am { $added }, zuletzt verwendet am { $used }.
device-suspended = Nach zu vielen falschen Codes in Folge werden seine Codes nicht mehr geprüft. Entfernen Sie den Eintrag, und fügen Sie ihn neu hinzu.
mfa-passkeys = Passkeys
mfa-passkeys-about = Wählen Sie bei der Anmeldung „Mit einem Passkey anmelden“, oder geben Sie Ihr Passwort ein und verwenden Sie dann einen von diesen.
passkey-synced = synchronisiert
passkey-one-device = auf einem Gerät
passkey-kind = { $kind }.
passkey-hardware = Der Hersteller bürgt für seine Hardware.
passkey-not-alone = Er fragt nach keiner PIN, keinem Finger und keinem Gesicht, deshalb wird auch Ihr Passwort gebraucht.
mfa-apps = Authenticator-Apps
mfa-apps-about = Nach Ihrem Passwort fragt die Anmeldung nach einem Code aus einer von diesen.
mfa-phones = Codes per SMS
mfa-emails = E-Mail-Codes
mfa-sent-instead = Nach Ihrem Passwort kann stattdessen ein Code hierhin gesendet werden.
mfa-sent-or-passkey = Nach Ihrem Passwort fragt die Anmeldung nach einem Passkey oder nach einem Code, der hierhin gesendet wird.
mfa-sent-only = Nach Ihrem Passwort fragt die Anmeldung nach einem Code, der hierhin gesendet wird.
mfa-phone-weak = Eine Authenticator-App ist sicherer: Eine Telefonnummer kann von jemand anderem übernommen werden.
mfa-email-weak = Eine Authenticator-App ist sicherer: E-Mails stehen oft jedem offen, der ein anderes Ihrer Passwörter kennt.
codes-left =
    { $count ->
        [0] Sie haben keine Backup-Codes mehr.
        [one] Sie haben noch 1 unbenutzten Backup-Code.
       *[other] Sie haben noch { $count } unbenutzte Backup-Codes.
    }
codes-few = Erstellen Sie neue, bevor Sie sie brauchen.
codes-about-app = Mit Backup-Codes melden Sie sich ohne Ihre Authenticator-App an. Jeder gilt einmal.
codes-about-passkey = Mit Backup-Codes melden Sie sich ohne Ihren Passkey an. Jeder gilt einmal.
codes-about-phone = Mit Backup-Codes melden Sie sich ohne Ihr Handy an. Jeder gilt einmal.
codes-about-email = Mit Backup-Codes melden Sie sich ohne Ihre E-Mails an. Jeder gilt einmal.
codes-unconfirmed = Diese Codes wurden erstellt, aber Sie haben nicht bestätigt, dass Sie sie gespeichert haben. Sie können nicht noch einmal angezeigt werden. Wenn Sie sie nicht haben, erstellen Sie jetzt neue.
codes-make = Neue Backup-Codes erstellen
codes-saved = Ich habe diese Codes gespeichert
codes-made-about = Sie erhalten zehn neue Codes.
codes-old =
    { $count ->
        [0] Von den alten ist keiner mehr übrig.
        [one] Der eine unbenutzte alte Code gilt dann nicht mehr.
       *[other] Die { $count } unbenutzten alten Codes gelten dann nicht mehr.
    }
codes-title = Speichern Sie Ihre Backup-Codes
codes-shown-about = Mit jedem Code melden Sie sich einmal an, wenn Ihre Authenticator-App nicht zur Hand ist. { $once } Bewahren Sie sie dort auf, wo Sie Ihre Passwörter aufbewahren, oder drucken Sie sie aus.
codes-shown-once = Sie werden nur jetzt angezeigt.
codes-print-head = { $product }: Backup-Codes
codes-print-whose = { $user } auf { $origin }
codes-print-made = Erstellt am { $time }. Jeder Code gilt einmal.
copy = Kopieren
copy-key = Schlüssel kopieren
download = Herunterladen
print = Drucken
codes-unsaved-title = Haben Sie Ihre Backup-Codes gespeichert?
codes-unsaved-about = Die Codes können kein zweites Mal angezeigt werden. Wenn Sie sie nicht gespeichert haben, erstellen Sie neue: Die alten gelten dann nicht mehr.
codes-unsaved-tick = Setzen Sie das Häkchen, sobald Sie Ihre Backup-Codes gespeichert haben.
totp-add = Authenticator-App hinzufügen
totp-add-another = Weitere Authenticator-App hinzufügen
mfa-off-about = Die Anmeldung fragt dann nach Ihrem Passwort und nach einem 6-stelligen Code aus einer Authenticator-App auf Ihrem Handy oder Rechner, zum Beispiel Aegis, Google Authenticator, Microsoft Authenticator, 1Password oder Bitwarden. Sie erhalten außerdem zehn Backup-Codes für den Tag, an dem Ihr Handy nicht zur Hand ist.
totp-name = Name der Authenticator-App
totp-set-up = Authenticator-App einrichten
totp-proposed-name = Authenticator-App
totp-nameless = Geben Sie der Authenticator-App einen Namen.
name-long = Wählen Sie einen Namen mit höchstens 64 Zeichen.
device-name-control = Schreiben Sie den Namen ohne Steuerzeichen.
totp-no-room = Für eine weitere Authenticator-App ist kein Platz. Entfernen Sie zuerst eine.
totp-enrol-title = Richten Sie Ihre Authenticator-App ein
totp-enrol-scan = 1. Scannen Sie diesen QR-Code
totp-enrol-scan-about = Öffnen Sie Ihre Authenticator-App, fügen Sie ein Konto hinzu und richten Sie die Kamera hierauf.
totp-enrol-qr = QR-Code für Ihre Authenticator-App
totp-enrol-here = In einer Authenticator-App auf diesem Gerät öffnen
totp-enrol-cannot-scan = QR-Code lässt sich nicht scannen?
totp-enrol-key = Geben Sie diesen Schlüssel in der App ein. Er ist zeitbasiert, mit 6 Ziffern alle 30 Sekunden.
totp-enrol-code = 2. Geben Sie den angezeigten Code ein
adds-name = Fügt „{ $name }“ hinzu. Es ändert sich nichts, bis Sie einen Code bestätigen.
totp-confirm-wrong = Dieser Code stimmt nicht. Geben Sie den gerade angezeigten ein.
totp-remove-title = Authenticator-App entfernen
totp-remove-about = Codes aus { $name } werden nicht mehr angenommen.
totp-remove-last = Es ist Ihre einzige Authenticator-App. Wenn Sie sie entfernen, ist die Zwei-Faktor-Anmeldung aus und Ihre Backup-Codes gelten nicht mehr: Allein Ihr Passwort öffnet dann dieses Konto.
totp-rename-title = Authenticator-App umbenennen
passkey-add = Passkey hinzufügen
passkey-add-another = Weiteren Passkey hinzufügen
passkey-add-about = Ein Passkey liegt auf Ihrem Handy oder Rechner, in Ihrem Passwortmanager oder auf einem Sicherheitsschlüssel und wird mit Finger, Gesicht oder PIN freigegeben. Er kann keiner falschen Website verraten werden und braucht kein Passwort.
passkey-name = Name des Passkeys
passkey-name-optional = Name des Passkeys (freiwillig)
passkey-nameless = Geben Sie dem Passkey einen Namen.
passkey-no-room = Für einen weiteren Passkey ist kein Platz. Entfernen Sie zuerst einen, oder warten Sie einen Tag.
passkey-create = Passkey erstellen
passkey-create-about = Ihr Browser fragt, wo der Passkey liegen soll: auf diesem Gerät, in Ihrem Passwortmanager, auf Ihrem Handy oder auf einem Sicherheitsschlüssel. Womit Sie ihn freigeben (Finger, Gesicht oder PIN), verlässt Ihr Gerät nie.
passkey-create-no-script = Passkeys brauchen JavaScript, das in diesem Browser ausgeschaltet ist. Schalten Sie es ein und laden Sie diese Seite neu, oder { $link }.
passkey-create-app-instead = richten Sie eine Authenticator-App ein
passkey-adds-name = Fügt „{ $name }“ hinzu. Es ändert sich nichts, bis der Passkey da ist.
passkey-adds = Es ändert sich nichts, bis der Passkey da ist.
passkey-not-created = Es wurde kein Passkey erstellt. Versuchen Sie es erneut.
passkey-not-accepted = Dieser Passkey wurde nicht angenommen. Versuchen Sie es erneut oder mit einem anderen.
passkey-synced-refused = Dieser Passkey kann auf andere Geräte kopiert werden, und solche Passkeys sind hier nicht erlaubt. Verwenden Sie einen, der auf seinem Gerät bleibt, zum Beispiel einen Sicherheitsschlüssel.
passkey-unattested = Dieser Passkey wurde nicht angenommen: Er kommt nicht von einem Hersteller, dem die Betreiber dieses Dienstes vertrauen. Verwenden Sie einen anderen, zum Beispiel einen Sicherheitsschlüssel, den Sie von ihnen erhalten haben, und erlauben Sie dem Browser, Marke und Modell zu sehen, wenn er danach fragt.
passkey-remove-title = Passkey entfernen
passkey-remove-about = { $name } meldet Sie nicht mehr an. In Sitzungen, die damit begannen, müssen Sie sich neu ausweisen.
passkey-remove-last = Bei der Anmeldung wird sonst nichts von Ihnen verlangt. Wenn Sie ihn entfernen, ist die Zwei-Faktor-Anmeldung aus und Ihre Backup-Codes gelten nicht mehr: Allein Ihr Passwort öffnet dann dieses Konto.
passkey-rename-title = Passkey umbenennen
phone-add = Codes per SMS erhalten
phone-add-another = Codes an eine weitere Telefonnummer erhalten
phone-add-about = Für den Fall, dass keine Authenticator-App zur Hand ist. Es schützt weniger als eine App: Eine Telefonnummer kann von jemand anderem übernommen werden.
phone-hint = Mit + und der Landesvorwahl, zum Beispiel +49 151 12345678.
phone-name = Name des Handys (freiwillig)
phone-name-control = Geben Sie dem Handy einen Namen ohne Zeilenumbrüche.
phone-send = Code an diese Nummer senden
phone-known = An diese Nummer werden schon Codes gesendet.
phone-no-room = Für eine weitere Nummer ist kein Platz. Entfernen Sie zuerst eine, oder warten Sie einen Tag.
email-add = Codes per E-Mail erhalten
email-add-another = Codes an eine weitere E-Mail-Adresse erhalten
email-add-about = Für den Fall, dass keine Authenticator-App zur Hand ist. Es schützt weniger als eine App, und Anwendungen, die zwei Faktoren verlangen, nehmen es nicht als solchen an.
email-send = Code an diese Adresse senden
email-known = An diese Adresse werden schon Codes gesendet.
email-no-room = Für eine weitere Adresse ist kein Platz. Entfernen Sie zuerst eine, oder warten Sie einen Tag.
own-address-title = E-Mail-Adresse Ihres Kontos
own-address-current = Zurzeit ist es { $address }.
own-address-about = An diese Adresse gehen Links für ein vergessenes Passwort und Hinweise. An eine neue wird ein Code gesendet; sobald Sie ihn hier eingegeben haben, tritt die neue Adresse an die Stelle der alten, die davon erfährt.
own-address-name = Sie melden sich auch damit an, von da an mit der neuen.
own-address-new = Neue E-Mail-Adresse
own-address-known = Dies ist bereits die Adresse Ihres Kontos, und sie ist bestätigt.
own-address-taken = Ein anderes Konto hat diese Adresse. Melden Sie sich bei jenem an oder geben Sie eine andere Adresse ein.
address-enrol-sms = Bestätigen Sie Ihre Telefonnummer
address-enrol-email = Bestätigen Sie Ihre E-Mail-Adresse
address-resend = Weiteren Code senden
address-wrong = Dieser Code stimmt nicht oder gilt nicht mehr. Geben Sie den neuesten ein.
address-link-about = Sie haben den Link aus unserer Nachricht geöffnet. Drücken Sie die Schaltfläche, wenn Codes zur Anmeldung bei Ihrem Konto an { $address } gesendet werden sollen.
address-link-ended = Dieser Link gilt nicht mehr. Verwenden Sie die neueste Nachricht, oder lassen Sie eine neue senden.
address-remove-sms = Codes per SMS beenden
address-remove-email = E-Mail-Codes beenden
address-remove-about = An { $address } werden keine Codes mehr gesendet.
address-remove-last = Es ist Ihr einziger zweiter Schritt. Ohne ihn ist die Zwei-Faktor-Anmeldung aus und Ihre Backup-Codes gelten nicht mehr: Allein Ihr Passwort öffnet dann dieses Konto.
phone-rename-title = Handy umbenennen
email-rename-title = E-Mail-Adresse umbenennen
email-name = Name der E-Mail-Adresse (freiwillig)
address-rename-about = Codes gehen weiterhin an { $address }. Ohne Namen wird die Adresse selbst angezeigt.
recommended-title = Schützen Sie Ihr Konto mit einem zweiten Schritt
recommended-about = Ein Passwort kann erraten, gestohlen oder anderswo verwendet werden. Mit einem zweiten Schritt kommt niemand allein mit dem Passwort hinein: Sie geben zusätzlich einen Code aus einer App auf Ihrem Handy ein. Es dauert zwei Minuten, und Sie erhalten Backup-Codes für den Tag, an dem Ihr Handy nicht zur Hand ist.
recommended-from = Ab dem { $time } ist er Pflicht.
recommended-left =
    { $times ->
        [one] Sie können es noch einmal verschieben.
       *[other] Sie können es noch { $times } Mal verschieben.
    }
recommended-not-now = Jetzt nicht
recommended-later = Sie können es jederzeit auf der Seite Ihres Kontos tun.

## Accounts whose second steps are lost

recovery-title = Haben Sie alle Ihre zweiten Schritte verloren?
recovery-within-reach = Wenn einer davon, ein Backup-Code oder ein Browser, dem Sie vertrauten, erreichbar ist, verwenden Sie ihn: Das geht schneller.
recovery-otherwise =
    { $days ->
        [one] Sonst können Sie die Wiederherstellung Ihres Kontos anfordern. Sie dauert { $days } Tag, damit Sie widersprechen können, falls es jemand anderes war:
       *[other] Sonst können Sie die Wiederherstellung Ihres Kontos anfordern. Sie dauert { $days } Tage, damit Sie widersprechen können, falls es jemand anderes war:
    }
recovery-step-message = Jetzt geht eine Nachricht an jede E-Mail-Adresse, die Sie bestätigt haben, mit einem Link, der die Wiederherstellung abbricht.
recovery-step-wait =
    { $days ->
        [one] Nach { $days } Tag, und von da an eine Woche lang, melden Sie sich hier mit Ihrem Passwort an. Wir senden einen Code an Ihre E-Mail-Adresse.
       *[other] Nach { $days } Tagen, und von da an eine Woche lang, melden Sie sich hier mit Ihrem Passwort an. Wir senden einen Code an Ihre E-Mail-Adresse.
    }
recovery-step-code = Mit diesem Code werden alle Ihre zweiten Schritte und Backup-Codes entfernt, Sie werden überall sonst abgemeldet und richten einen neuen zweiten Schritt ein.
recovery-found = Wenn Sie Ihren zweiten Schritt inzwischen finden, melden Sie sich damit an. Das bricht die Wiederherstellung ab.
recovery-ask = Wiederherstellung meines Kontos anfordern
recovery-waits-title = Ihre Wiederherstellung wartet
recovery-waits = Jemand mit Ihrem Passwort hat am { $begun } die Wiederherstellung dieses Kontos angefordert. Sie kann ab dem { $due } abgeschlossen werden: Melden Sie sich dann mit Ihrem Passwort erneut an.
recovery-waits-not-you = An jede E-Mail-Adresse, die Sie bestätigt haben, ging eine Nachricht. Wenn Sie es nicht waren, öffnen Sie den Link darin, oder melden Sie sich mit Ihrem zweiten Schritt an. Beides bricht die Wiederherstellung ab.
recovery-due-title = Stellen Sie Ihr Konto wieder her
recovery-due = Die Wartezeit ist vorbei. Ein Code schließt die Wiederherstellung ab, bis zum { $until }. Er entfernt alle Ihre zweiten Schritte und Backup-Codes, meldet Sie überall sonst ab und hier an.
recovery-complete = Meine zweiten Schritte entfernen und anmelden
recovery-due-found = Ist einer Ihrer zweiten Schritte doch erreichbar? Verwenden Sie ihn unten. Das bricht die Wiederherstellung ab.
recovery-ended = Der Code gilt nicht mehr, oder die Wiederherstellung gilt nicht mehr.
recovery-closed-title = Diese Wiederherstellung wurde abgebrochen
recovery-paused = Eine Anmeldung mit einem zweiten Schritt hat sie abgebrochen. Eine neue kann ab dem { $until } begonnen werden.
recovery-closed = Jemand hat angegeben, dass nicht der Inhaber dieses Kontos sie angefordert hat. Solange das Konto dasselbe Passwort hat, kann keine neue begonnen werden.
recovery-closed-ask = Wenn Sie nicht warten können, wenden Sie sich an die Betreiber dieses Dienstes.
recovery-not-offered = Dieses Konto kann hier nicht wiederhergestellt werden. Wenden Sie sich an die Betreiber dieses Dienstes.
recovery-cancel-title = Waren Sie das nicht?
recovery-cancel-about = Am { $begun } hat jemand mit dem Passwort des Kontos { $user } angegeben, alle seine zweiten Schritte verloren zu haben. Ab dem { $due } können sie mit einem Code entfernt werden, der per E-Mail gesendet wird.
recovery-cancel-close = Wenn Sie es waren, schließen Sie diese Seite. Wenn nicht, brechen Sie es ab:
recovery-cancel-button = Das war ich nicht, abbrechen
recovery-cancelled-title = Es ist abgebrochen
recovery-cancelled-about = Die zweiten Schritte des Kontos bleiben, wie sie sind. Aber jemand kennt sein Passwort: Ändern Sie es jetzt. Bis dahin kann niemand erneut darum bitten.

## Failures

error-quote = Fehler { $status }. Wenn Sie um Hilfe bitten, nennen Sie dies: { $id }
error-out-of-date = Diese Seite ist veraltet
error-out-of-date-about = Das Formular war zu lange offen oder gehört zu einer anderen Anmeldung. Es wurde nichts geändert.
error-sign-in-first = Melden Sie sich zuerst an
error-sign-in-first-about = Diese Seite ist für angemeldete Personen.
error-enrol-first = Richten Sie zuerst einen zweiten Schritt ein
error-enrol-first-about = Dieses Konto verlangt einen.
error-password-first = Wählen Sie zuerst ein anderes Passwort
error-password-first-about = Das Passwort, mit dem Sie sich angemeldet haben, kennt vielleicht noch jemand.
error-signed-in = Sie sind angemeldet
error-signed-in-about = Hier ist nichts mehr zu tun.
error-not-found = Seite nicht gefunden
error-not-found-about = Unter dieser Adresse gibt es keine Seite.
error-method = Das geht hier nicht
error-method-about = Die Seite unter dieser Adresse kann so nicht benutzt werden.
error-too-large = Es wurde zu viel gesendet
error-too-large-about = Das Formular enthält mehr, als dieser Server annimmt.
error-too-large-next = Kürzen Sie Ihre Eingabe.
error-too-many = Zu viele Versuche
error-too-many-about = Aus Ihrem Netzwerk kamen zu viele Versuche.
error-bad-request = Diese Anfrage kann nicht gelesen werden
error-bad-request-about = Ihr Browser, oder etwas zwischen ihm und diesem Server, hat eine Anfrage gesendet, die hier keinen Sinn ergibt.
error-wrong-host = Falsche Adresse
error-wrong-host-about = Dies ist ein Entwicklungsserver. Er antwortet nur unter der Adresse, die sein Issuer ist, und nicht hinter einem Proxy.
error-wrong-host-next = Öffnen Sie die Adresse des Issuers, oder richten Sie einen https-Issuer ein.
error-login-ended = Diese Anmeldung ist beendet
error-login-ended-about = Sie wurde in einem anderen Tab abgeschlossen, hat zu lange gedauert oder wurde in einem anderen Browser begonnen.
error-login-ended-next = Wenn eine Anwendung Sie hierher geschickt hat, kehren Sie dorthin zurück und melden Sie sich von dort aus an.
error-link-ended = Dieser Link funktioniert nicht
error-link-ended-about = Er wurde schon verwendet, ist abgelaufen oder unvollständig.
error-link-ended-next = Fordern Sie einen neuen Link an.
error-application = Die Anwendung hat eine falsche Anfrage gesendet
error-application-no-client = Die Anfrage sagt nicht, von welcher Anwendung sie kommt: client_id fehlt.
error-application-unknown-client = Unter der client_id der Anfrage ist keine Anwendung registriert.
error-application-no-redirect = Die Anfrage sagt nicht, wohin es zurückgehen soll: redirect_uri fehlt.
error-application-unregistered = Die redirect_uri der Anfrage ist keine von denen, die für die Anwendung registriert sind. Sie muss Zeichen für Zeichen übereinstimmen.
error-application-repeated = Die Anfrage nennt ihre client_id oder redirect_uri mehr als einmal.
error-application-unreadable = Die Parameter der Anfrage können nicht gelesen werden.
error-application-next = Sagen Sie es den Betreibern der Anwendung. Eine erneute Anmeldung hilft nicht.
error-unavailable = Gerade nicht verfügbar
error-unavailable-about = Der Server konnte dies nicht rechtzeitig abschließen. Vielleicht wurde es ausgeführt, vielleicht nicht.
error-unavailable-next = Warten Sie einen Moment, sehen Sie dann nach, und versuchen Sie es erneut.
error-internal = Etwas ist schiefgegangen
error-internal-about = Der Server hat einen Fehler gemacht. Er wurde festgehalten.
error-internal-next = Versuchen Sie es erneut. Wenn es wieder geschieht, nennen Sie den Betreibern dieses Dienstes die Kennung unten.

## Dates

date-time =
    { $day }. { $month ->
        [1] Januar
        [2] Februar
        [3] März
        [4] April
        [5] Mai
        [6] Juni
        [7] Juli
        [8] August
        [9] September
        [10] Oktober
        [11] November
       *[12] Dezember
    } { $year }, { $time } UTC

## Mail

mail-hello = Guten Tag { $user },
mail-code-keep =
    Er gilt einmal, 10 Minuten lang, auf der Seite, die danach gefragt hat.
    Geben Sie ihn an niemanden weiter: Niemand, der diesen Dienst betreibt,
    wird Sie danach fragen.
mail-either-keep =
    Beides gilt einmal, 10 Minuten lang. Geben Sie es an niemanden weiter:
    Niemand, der diesen Dienst betreibt, wird Sie danach fragen.
mail-sign-in-subject = Ihr Code zur Anmeldung bei { $product }
mail-sign-in-about = dieser Code schließt Ihre Anmeldung auf { $origin } ab:
mail-sign-in-link = Oder öffnen Sie diesen Link in dem Browser, in dem Sie sich anmelden:
mail-sign-in-not-you =
    Wenn Sie sich gerade nicht anmelden, kennt jemand Ihr Passwort. Ändern
    Sie es: { $link }
mail-activation-subject = Bestätigen Sie Ihre E-Mail-Adresse für { $product }
mail-activation-hello = Guten Tag,
mail-activation-about =
    jemand mit einem Konto auf { $origin }
    möchte, dass Codes zur Anmeldung an diese Adresse gesendet werden.
    Dieser Code bestätigt sie:
mail-activation-link = Oder öffnen Sie diesen Link in dem Browser, in dem die Adresse eingegeben wurde:
mail-activation-not-you =
    Wenn Sie das nicht waren, ignorieren Sie diese Nachricht: Ohne den Code
    geschieht nichts.
mail-activation-not-you-either =
    Wenn Sie das nicht waren, ignorieren Sie diese Nachricht: Ohne Code und
    Link geschieht nichts.
mail-address-about =
    jemand mit einem Konto auf { $origin }
    gibt an, dass dies die eigene Adresse ist. Dieser Code bestätigt sie:
mail-reset-subject = Neues Passwort für { $product } setzen
mail-reset-about =
    öffnen Sie diesen Link, um ein neues Passwort für Ihr Konto auf
    { $origin } zu setzen:
mail-reset-keep =
    Er gilt einmal, eine Stunde lang. Danach melden Sie sich wie gewohnt an,
    gegebenenfalls mit Ihrem zweiten Schritt.
mail-reset-not-you =
    Wenn Sie ihn nicht angefordert haben, ignorieren Sie diese Nachricht:
    Ihr Passwort bleibt, wie es ist.
mail-registration-subject = Erstellen Sie Ihr Konto bei { $product }
mail-registration-about =
    öffnen Sie diesen Link, um unter dieser Adresse ein Konto auf
    { $origin } zu erstellen:
mail-registration-keep = Er führt weiter zur Wahl eines Passworts und gilt einmal, eine Stunde lang.
mail-registration-not-you =
    Wenn Sie das nicht waren, ignorieren Sie diese Nachricht: Ohne den Link
    entsteht kein Konto.
mail-registered-subject = Sie haben ein Konto bei { $product }
mail-registered-about =
    jemand wollte unter dieser Adresse ein Konto auf
    { $origin } erstellen, und es gibt schon eines.
mail-registered-sign-in =
    Wenn Sie das waren, melden Sie sich an: { $login }
    Wenn Sie das Passwort nicht mehr wissen, setzen Sie ein neues:
    { $forgot }
mail-registered-not-you =
    Wenn Sie das nicht waren, ignorieren Sie diese Nachricht: Es wurde nichts
    geändert.
mail-recovery-begun-subject = Jemand möchte Ihre zweiten Schritte bei { $product } entfernen
mail-recovery-begun-about =
    jemand, der Ihr Passwort kennt, gibt an, alle zweiten Schritte Ihres Kontos
    auf { $origin } verloren zu haben.
mail-recovery-begun-due =
    Ab dem { $due } können sie entfernt werden, mit Ihrem
    Passwort und einem Code, der an Ihre E-Mail-Adresse gesendet wird.
mail-recovery-begun-cancel =
    Wenn Sie das waren, behalten Sie diese Nachricht und melden Sie sich dann
    erneut an. Wenn nicht, brechen Sie es mit diesem Link ab, der in jedem
    Browser funktioniert:
mail-recovery-begun-password = und ändern Sie Ihr Passwort: { $link }
mail-recovery-code-subject = Ihr Code zur Wiederherstellung Ihres Kontos bei { $product }
mail-recovery-code-about =
    dieser Code entfernt alle zweiten Schritte Ihres Kontos auf
    { $origin } und meldet Sie an:
mail-recovery-code-cancel =
    Wenn Sie Ihr Konto gerade nicht wiederherstellen, brechen Sie es mit diesem
    Link ab und ändern Sie Ihr Passwort:
mail-recovery-due-subject = Ihre zweiten Schritte bei { $product } werden gleich entfernt
mail-recovery-due-about =
    die Wartezeit ist vorbei, und jemand, der Ihr Passwort kennt, hat jetzt den
    Code angefordert, der alle zweiten Schritte Ihres Kontos auf
    { $origin } entfernt. Er ging an eine andere Ihrer Adressen.
mail-recovery-due-cancel =
    Wenn Sie das waren, ist hier nichts zu tun. Wenn nicht, brechen Sie es sofort
    mit diesem Link ab, der in jedem Browser funktioniert, und ändern Sie Ihr
    Passwort:
mail-notice-about =
    { $what }. Es geht um Ihr Konto auf
    { $origin }.
mail-notice-next =
    Wenn Sie das waren, ist nichts zu tun. Wenn nicht, ändern Sie jetzt Ihr
    Passwort und sehen Sie nach Ihren Sitzungen: { $link }
    Wenn Sie sich nicht anmelden können, wenden Sie sich an die Betreiber
    dieses Dienstes.
mail-what-password-changed = Ihr Passwort wurde geändert
mail-what-password-reset = Ihr Passwort wurde über einen Link neu gesetzt
mail-what-app-added = Eine Authenticator-App wurde hinzugefügt
mail-what-app-removed = Eine Authenticator-App wurde entfernt
mail-what-email-on = Codes per E-Mail wurden für eine Adresse eingeschaltet
mail-what-email-off = Codes per E-Mail wurden für eine Adresse ausgeschaltet
mail-what-sms-on = Codes per SMS wurden für eine Telefonnummer eingeschaltet
mail-what-sms-off = Codes per SMS wurden für eine Telefonnummer ausgeschaltet
mail-what-passkey-added = Ein Passkey wurde hinzugefügt
mail-what-passkey-removed = Ein Passkey wurde entfernt
mail-what-passkey-copied = Ein Passkey wurde möglicherweise kopiert und deshalb abgelehnt
mail-what-codes-replaced = Neue Backup-Codes wurden erstellt
mail-what-code-used = Ein Backup-Code wurde verwendet
mail-what-factors-reset = Alle zweiten Schritte wurden von einem Betreiber entfernt
mail-what-trust-copied = Das Kennzeichen eines Browsers, dem Sie vertrauten, wurde zweimal verwendet, mit dem richtigen Passwort
mail-what-recovery-cancelled = Eine Anforderung, alle Ihre zweiten Schritte zu entfernen, wurde abgebrochen
mail-what-recovery-completed = Alle zweiten Schritte wurden entfernt, mit Ihrem Passwort und einem Code per E-Mail
mail-what-password-suspended = Ihr Passwort ist nach hundert falschen Versuchen gesperrt
mail-what-codes-suspended = Ein zweiter Schritt ist nach hundert falschen Codes gesperrt
mail-what-backup-suspended = Ihre Backup-Codes sind nach hundert falschen Versuchen gesperrt
mail-what-address-confirmed = Die E-Mail-Adresse Ihres Kontos wurde bestätigt
mail-what-address-changed = Die E-Mail-Adresse Ihres Kontos wurde geändert
mail-suspended-password =
    Keiner der Versuche war richtig. Browser, mit denen Sie sich schon einmal
    angemeldet haben, nehmen Ihr Passwort weiterhin an, und Passkeys gelten wie
    immer. Um es in anderen Browsern zu verwenden, setzen Sie ein neues:
    { $link }
    Wenn das nicht hilft, wenden Sie sich an die Betreiber dieses Dienstes.
mail-suspended-codes =
    Keiner der Codes war richtig, aber wer sie versucht hat, kennt Ihr Passwort.
    Wenn Sie das nicht waren, ändern Sie es jetzt. Melden Sie sich mit einem
    anderen zweiten Schritt oder einem Backup-Code an, entfernen Sie den
    gesperrten und fügen Sie ihn neu hinzu: { $link }
    Wenn Sie sich nicht anmelden können, wenden Sie sich an die Betreiber
    dieses Dienstes.
mail-suspended-backup =
    Keiner der Versuche war richtig, aber wer sie gemacht hat, kennt Ihr
    Passwort. Wenn Sie das nicht waren, ändern Sie es jetzt. Melden Sie sich mit
    Ihrem zweiten Schritt an und erstellen Sie neue Backup-Codes: { $link }
    Wenn Sie sich nicht anmelden können, wenden Sie sich an die Betreiber
    dieses Dienstes.

## Text messages

sms-sign-in = { $code } ist Ihr Anmeldecode für { $product }. Nie weitergeben!
sms-activation = { $code } bestätigt diese Nummer für { $product }. Nie weitergeben!
sms-recovery-begun = { $product }: Jemand will Ihre zweiten Schritte entfernen, am { $due }. Nicht Sie? Jetzt anmelden!
sms-recovery-due = { $product }: Ihre zweiten Schritte werden gleich entfernt. Nicht Sie? Jetzt anmelden!
sms-notice = { $product }: { $what }. Waren Sie das nicht? Konto prüfen!
