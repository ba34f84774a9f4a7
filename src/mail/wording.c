/* One table for each language; a text that only one of them had would be a hole in the others. */
#include "mail/wording.h"

#define EN_SIGN_OUT                                                                                \
	"If it was you, there is nothing to do. If it was not, change your password\r\n"           \
	"and sign out the other sessions in the settings, under Security.\r\n"
#define EN_REMOVE                                                                                  \
	"If it was you, there is nothing to do. If it was not, remove it in the\r\n"               \
	"settings, under Security, and change your password.\r\n"
#define DE_SIGN_OUT                                                                                \
	"Wenn Sie es waren, ist nichts zu tun. Wenn nicht, ändern Sie Ihr Passwort und\r\n"       \
	"melden Sie die anderen Sitzungen ab: in den Einstellungen unter Sicherheit.\r\n"
#define DE_REMOVE                                                                                  \
	"Wenn Sie es waren, ist nichts zu tun. Wenn nicht, machen Sie das in den\r\n"              \
	"Einstellungen unter Sicherheit rückgängig und ändern Sie Ihr Passwort.\r\n"
#define FR_SIGN_OUT                                                                                \
	"Si c’était vous, il n’y a rien à faire. Sinon, changez votre mot de passe et\r\n"   \
	"fermez les autres sessions dans les réglages, sous Sécurité.\r\n"
#define FR_REMOVE                                                                                  \
	"Si c’était vous, il n’y a rien à faire. Sinon, supprimez cet accès dans les\r\n"   \
	"réglages, sous Sécurité, et changez votre mot de passe.\r\n"

static const struct wording english = {
	.alerts =
		{
			[ALERT_NEW_DEVICE] = {"Sign-in from a new device",
				"Somebody signed in to your account from a device that was not "
				"seen before.\r\n",
				EN_SIGN_OUT},
			[ALERT_RECOVERY_CODE] = {"Sign-in with your recovery code",
				"Somebody signed in to your account with the recovery code.\r\n",
				EN_SIGN_OUT},
			[ALERT_TOTP_ADDED] = {"A second step at sign-in was added",
				"Codes of an authenticator app are now a second step when you sign "
				"in to your\r\naccount.\r\n",
				EN_REMOVE},
			[ALERT_PASSKEY_ADDED] = {"A passkey was added",
				"A passkey was added to your account. Whoever has it can sign in "
				"with it.\r\n",
				EN_REMOVE},
			[ALERT_FACTOR_REMOVED] = {"A second step at sign-in was removed",
				"Somebody who was signed in and knew the password removed a second "
				"step at\r\nsign-in from your account.\r\n",
				"If this was not wanted, sign in, change your password and add one "
				"again.\r\n"},
			[ALERT_FACTORS_CLEARED] = {"Your second step at sign-in was removed",
				"The operator removed every second step at sign-in from your "
				"account. Your\r\npassword alone is enough now.\r\n",
				"If you did not ask for this, talk to the operator. Then sign in "
				"and add one\r\nagain.\r\n"},
			[ALERT_PASSWORD] = {"Your password was changed",
				"The password of your account was changed. All other web sessions "
				"were signed\r\nout.\r\n",
				"If it was not you, sign in with your recovery code and change it "
				"again.\r\n"},
			[ALERT_RECOVERY_RENEWED] = {"Your recovery code was renewed",
				"Your account has a new recovery code. The old one opens nothing "
				"any more.\r\n",
				"If it was not you, sign in, change your password and renew the "
				"code once\r\nmore.\r\n"},
			[ALERT_APP_PASSWORD] = {"A new app password",
				"An app password was made for your account. Programs sign in with "
				"it, without\r\na second step.\r\n",
				EN_REMOVE},
		},
	.facts = {"Time", "Name", "Address", "Country", "Device", "Program"},
	.fact_untold = "not told",
	.fact_roughly = "roughly",
	.report_from = "Mail Delivery System",
	.report_host = "This is the mail system of ",
	.reports =
		{
			[REPORT_FAILED] = {"Your message could not be delivered",
				"Your message could not be delivered to these recipients, and no "
				"further\r\nattempt will be made:\r\n"},
			[REPORT_DELAYED] = {"Your message is delayed",
				"Your message has not been delivered to these recipients yet. You "
				"need not\r\nsend it again; delivery is still being tried:\r\n"},
			[REPORT_DELIVERED] = {"Your message was delivered",
				"Your message was delivered to these recipients, as you asked to "
				"be told:\r\n"},
			[REPORT_RELAYED] = {"Your message was passed on",
				"Your message was passed on to a system that may send no further "
				"report\r\nabout these recipients:\r\n"},
			[REPORT_EXPANDED] = {"Your message was sent to a list",
				"Your message was sent on to the members of these lists:\r\n"},
		},
	.report_said = " said: ",
	.report_until = "Attempts go on until ",
	.receipts =
		{
			[MDN_DELETED] = {"Deleted: ",
				"This is a receipt for your message. It says that the message was "
				"deleted.\r\nIt does not say whether it was read before.\r\n"},
			[MDN_DISPATCHED] = {"Passed on: ",
				"This is a receipt for your message. It says that the message was "
				"sent on\r\nsomewhere else. It does not say that it was read.\r\n"},
			[MDN_DISPLAYED] = {"Read: ",
				"This is a receipt for your message. It says that the message was "
				"shown to its\r\nrecipient. It does not say that it was read or "
				"understood.\r\n"},
			[MDN_PROCESSED] = {"Processed: ",
				"This is a receipt for your message. It says that a program took "
				"the message\r\nup. It does not say that it was read.\r\n"},
		},
	.away_subject = "Auto: ",
	.away_text = "I am away and will read your message later.\r\n",
};

static const struct wording german = {
	.alerts =
		{
			[ALERT_NEW_DEVICE] = {"Anmeldung von einem neuen Gerät",
				"Jemand hat sich bei Ihrem Konto von einem Gerät angemeldet, das "
				"bisher nicht\r\nbekannt war.\r\n",
				DE_SIGN_OUT},
			[ALERT_RECOVERY_CODE] = {"Anmeldung mit Ihrem Wiederherstellungscode",
				"Jemand hat sich bei Ihrem Konto mit dem Wiederherstellungscode "
				"angemeldet.\r\n",
				DE_SIGN_OUT},
			[ALERT_TOTP_ADDED] = {"Ein zweiter Schritt beim Anmelden wurde hinzugefügt",
				"Codes einer Authenticator-App sind jetzt ein zweiter Schritt beim "
				"Anmelden in\r\nIhrem Konto.\r\n",
				DE_REMOVE},
			[ALERT_PASSKEY_ADDED] = {"Ein Passkey wurde hinzugefügt",
				"Ihrem Konto wurde ein Passkey hinzugefügt. Wer ihn hat, kann sich "
				"damit\r\nanmelden.\r\n",
				DE_REMOVE},
			[ALERT_FACTOR_REMOVED] = {"Ein zweiter Schritt beim Anmelden wurde "
						  "entfernt",
				"Jemand, der angemeldet war und das Passwort kannte, hat einen "
				"zweiten Schritt\r\nbeim Anmelden von Ihrem Konto entfernt.\r\n",
				"Wenn das nicht gewollt war, melden Sie sich an, ändern Sie Ihr "
				"Passwort und\r\nfügen Sie wieder einen hinzu.\r\n"},
			[ALERT_FACTORS_CLEARED] = {"Ihr zweiter Schritt beim Anmelden wurde "
						   "entfernt",
				"Der Betreiber hat jeden zweiten Schritt beim Anmelden von Ihrem "
				"Konto\r\nentfernt. Jetzt genügt Ihr Passwort allein.\r\n",
				"Wenn Sie nicht darum gebeten haben, sprechen Sie mit dem "
				"Betreiber. Melden Sie\r\nsich dann an und fügen Sie wieder einen "
				"hinzu.\r\n"},
			[ALERT_PASSWORD] = {"Ihr Passwort wurde geändert",
				"Das Passwort Ihres Kontos wurde geändert. Alle anderen "
				"Web-Sitzungen wurden\r\nabgemeldet.\r\n",
				"Wenn Sie es nicht waren, melden Sie sich mit dem "
				"Wiederherstellungscode\r\nan und ändern Sie es noch einmal.\r\n"},
			[ALERT_RECOVERY_RENEWED] = {"Ihr Wiederherstellungscode wurde erneuert",
				"Ihr Konto hat einen neuen Wiederherstellungscode. Der alte öffnet "
				"nichts mehr.\r\n",
				"Wenn Sie es nicht waren, melden Sie sich an, ändern Sie Ihr "
				"Passwort und\r\nerneuern Sie den Code noch einmal.\r\n"},
			[ALERT_APP_PASSWORD] = {"Ein neues App-Passwort",
				"Für Ihr Konto wurde ein App-Passwort angelegt. Damit melden sich "
				"Programme an,\r\nohne zweiten Schritt.\r\n",
				DE_REMOVE},
		},
	.facts = {"Zeit", "Name", "Adresse", "Land", "Gerät", "Programm"},
	.fact_untold = "nicht angegeben",
	.fact_roughly = "ungefähr",
	.report_from = "Mail-System",
	.report_host = "Hier ist das Mail-System von ",
	.reports =
		{
			[REPORT_FAILED] = {"Ihre Nachricht konnte nicht zugestellt werden",
				"Ihre Nachricht konnte diesen Empfängern nicht zugestellt werden. "
				"Es wird nicht\r\nweiter versucht:\r\n"},
			[REPORT_DELAYED] = {"Ihre Nachricht verzögert sich",
				"Ihre Nachricht ist diesen Empfängern noch nicht zugestellt "
				"worden. Sie\r\nbrauchen sie nicht noch einmal zu senden; es wird "
				"weiter versucht:\r\n"},
			[REPORT_DELIVERED] = {"Ihre Nachricht wurde zugestellt",
				"Ihre Nachricht wurde diesen Empfängern zugestellt; Sie hatten um "
				"diese\r\nMitteilung gebeten:\r\n"},
			[REPORT_RELAYED] = {"Ihre Nachricht wurde weitergegeben",
				"Ihre Nachricht wurde an ein System weitergegeben, das zu diesen "
				"Empfängern\r\nvielleicht nichts weiter meldet:\r\n"},
			[REPORT_EXPANDED] = {"Ihre Nachricht ging an eine Liste",
				"Ihre Nachricht wurde an die Mitglieder dieser Listen "
				"weitergesendet:\r\n"},
		},
	.report_said = " antwortete: ",
	.report_until = "Die Versuche gehen weiter bis ",
	.receipts =
		{
			[MDN_DELETED] = {"Gelöscht: ",
				"Dies ist eine Bestätigung zu Ihrer Nachricht. Sie besagt, dass "
				"die Nachricht\r\ngelöscht wurde, nicht, ob sie vorher gelesen "
				"wurde.\r\n"},
			[MDN_DISPATCHED] = {"Weitergeleitet: ",
				"Dies ist eine Bestätigung zu Ihrer Nachricht. Sie besagt, dass "
				"die Nachricht\r\nweitergeleitet wurde, nicht, dass sie gelesen "
				"wurde.\r\n"},
			[MDN_DISPLAYED] = {"Gelesen: ",
				"Dies ist eine Bestätigung zu Ihrer Nachricht. Sie besagt, dass "
				"die Nachricht\r\nangezeigt wurde, nicht, dass sie gelesen oder "
				"verstanden wurde.\r\n"},
			[MDN_PROCESSED] = {"Bearbeitet: ",
				"Dies ist eine Bestätigung zu Ihrer Nachricht. Sie besagt, dass "
				"ein Programm\r\ndie Nachricht bearbeitet hat, nicht, dass sie "
				"gelesen wurde.\r\n"},
		},
	.away_subject = "Automatische Antwort: ",
	.away_text = "Ich bin nicht da und lese Ihre Nachricht später.\r\n",
};

static const struct wording french = {
	.alerts =
		{
			[ALERT_NEW_DEVICE] = {"Connexion depuis un nouvel appareil",
				"Quelqu’un s’est connecté à votre compte depuis un appareil "
				"inconnu\r\njusqu’ici.\r\n",
				FR_SIGN_OUT},
			[ALERT_RECOVERY_CODE] = {"Connexion avec votre code de secours",
				"Quelqu’un s’est connecté à votre compte avec le code de "
				"secours.\r\n",
				FR_SIGN_OUT},
			[ALERT_TOTP_ADDED] = {"Une seconde étape à la connexion a été ajoutée",
				"Les codes d’une application d’authentification sont désormais "
				"une seconde\r\nétape à la connexion à votre compte.\r\n",
				FR_REMOVE},
			[ALERT_PASSKEY_ADDED] = {"Une clé d’accès a été ajoutée",
				"Une clé d’accès a été ajoutée à votre compte. Qui la possède peut "
				"se\r\nconnecter avec elle.\r\n",
				FR_REMOVE},
			[ALERT_FACTOR_REMOVED] = {"Une seconde étape à la connexion a été retirée",
				"Quelqu’un qui était connecté et connaissait le mot de passe a "
				"retiré de votre\r\ncompte une seconde étape à la connexion.\r\n",
				"Si ce n’était pas voulu, connectez-vous, changez votre mot de "
				"passe et\r\najoutez-en une de nouveau.\r\n"},
			[ALERT_FACTORS_CLEARED] = {"Votre seconde étape à la connexion a été "
						   "retirée",
				"L’administrateur a retiré de votre compte toute seconde étape à "
				"la connexion.\r\nVotre mot de passe seul suffit désormais.\r\n",
				"Si vous ne l’avez pas demandé, parlez à l’administrateur. "
				"Puis\r\nconnectez-vous et ajoutez-en une de nouveau.\r\n"},
			[ALERT_PASSWORD] = {"Votre mot de passe a été changé",
				"Le mot de passe de votre compte a été changé. Toutes les autres "
				"sessions web\r\nont été fermées.\r\n",
				"Si ce n’était pas vous, connectez-vous avec votre code de secours "
				"et\r\nchangez-le encore une fois.\r\n"},
			[ALERT_RECOVERY_RENEWED] = {"Votre code de secours a été renouvelé",
				"Votre compte a un nouveau code de secours. L’ancien n’ouvre plus "
				"rien.\r\n",
				"Si ce n’était pas vous, connectez-vous, changez votre mot de "
				"passe et\r\nrenouvelez le code encore une fois.\r\n"},
			[ALERT_APP_PASSWORD] = {"Un nouveau mot de passe d’application",
				"Un mot de passe d’application a été créé pour votre compte. Des "
				"programmes se\r\nconnectent avec lui, sans seconde étape.\r\n",
				FR_REMOVE},
		},
	.facts = {"Heure ", "Nom ", "Adresse ", "Pays ", "Appareil ", "Programme "},
	.fact_untold = "non indiqué",
	.fact_roughly = "à peu près",
	.report_from = "Système de messagerie",
	.report_host = "Ici le système de messagerie de ",
	.reports =
		{
			[REPORT_FAILED] = {"Votre message n’a pas pu être remis",
				"Votre message n’a pas pu être remis à ces destinataires, et il "
				"n’y aura pas\r\nd’autre essai :\r\n"},
			[REPORT_DELAYED] = {"Votre message est retardé",
				"Votre message n’a pas encore été remis à ces destinataires. Vous "
				"n’avez pas\r\nà l’envoyer de nouveau ; les essais "
				"continuent :\r\n"},
			[REPORT_DELIVERED] = {"Votre message a été remis",
				"Votre message a été remis à ces destinataires ; vous aviez"
				"\r\ndemandé à le savoir :\r\n"},
			[REPORT_RELAYED] = {"Votre message a été transmis",
				"Votre message a été transmis à un système qui ne dira peut-être "
				"rien de plus\r\nau sujet de ces destinataires :\r\n"},
			[REPORT_EXPANDED] = {"Votre message a été envoyé à une liste",
				"Votre message a été transmis aux membres de ces listes :\r\n"},
		},
	.report_said = " a répondu : ",
	.report_until = "Les essais continuent jusqu’au ",
	.receipts =
		{
			[MDN_DELETED] = {"Supprimé : ",
				"Ceci est un accusé de réception de votre message. Il dit que le "
				"message a été\r\nsupprimé, et non s’il a été lu avant.\r\n"},
			[MDN_DISPATCHED] = {"Transmis : ",
				"Ceci est un accusé de réception de votre message. Il dit que le "
				"message a été\r\ntransmis ailleurs, et non qu’il a été lu.\r\n"},
			[MDN_DISPLAYED] = {"Lu : ",
				"Ceci est un accusé de réception de votre message. Il dit que le "
				"message a été\r\naffiché, et non qu’il a été lu ou compris.\r\n"},
			[MDN_PROCESSED] = {"Traité : ",
				"Ceci est un accusé de réception de votre message. Il dit qu’un "
				"programme a\r\ntraité le message, et non qu’il a été lu.\r\n"},
		},
	.away_subject = "Réponse automatique : ",
	.away_text = "Je ne suis pas là et lirai votre message plus tard.\r\n",
};

static const struct wording *const tables[LANGUAGES] = {
	[LANGUAGE_NONE] = &english,
	[LANGUAGE_ENGLISH] = &english,
	[LANGUAGE_GERMAN] = &german,
	[LANGUAGE_FRENCH] = &french,
};

const struct wording *
wording(enum language language)
{
	return (size_t)language < ARRAY_SIZE(tables) ? tables[language] : &english;
}
