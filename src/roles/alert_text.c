/* One table for each language. A language that is not known is English. */
#include "roles/alert_text.h"

struct catalogue {
	struct alert_text letters[ALERTS];
	const char *facts[FACTS];
	const char *untold, *roughly;
};

#define EN_SIGN_OUT                                                                                \
	"If it was you, there is nothing to do. If it was not, change your password\r\n"           \
	"and sign out the other sessions in the settings, under Security.\r\n"
#define DE_SIGN_OUT                                                                                \
	"Wenn Sie es waren, ist nichts zu tun. Wenn nicht, ändern Sie Ihr Passwort und\r\n"       \
	"melden Sie die anderen Sitzungen ab: in den Einstellungen unter Sicherheit.\r\n"
#define FR_SIGN_OUT                                                                                \
	"Si c’était vous, il n’y a rien à faire. Sinon, changez votre mot de passe et\r\n"   \
	"fermez les autres sessions dans les paramètres, sous Sécurité.\r\n"

static const struct catalogue english = {
	.letters =
		{
			[ALERT_NEW_DEVICE] = {"Sign-in from a new device",
				"Somebody signed in to your account from a device that was not "
				"seen before.\r\n",
				EN_SIGN_OUT},
			[ALERT_RECOVERY_CODE] = {"Sign-in with your recovery code",
				"Somebody signed in to your account with the recovery code.\r\n",
				EN_SIGN_OUT},
			[ALERT_FACTOR_REMOVED] = {"A second factor was removed",
				"A second factor was removed from your account by somebody who "
				"was signed in\r\nand knew the password.\r\n",
				"If this was not wanted, sign in, change your password and add one "
				"again.\r\n"},
			[ALERT_FACTORS_CLEARED] = {"Your second factors were removed",
				"The operator removed all second factors from your account.\r\n",
				"If you did not ask for this, talk to the operator. Then sign in "
				"and add one\r\nagain.\r\n"},
			[ALERT_PASSWORD] = {"Your password was changed",
				"The password of your account was changed. All other web sessions "
				"were signed\r\nout.\r\n",
				"If it was not you, sign in with your recovery code and change it "
				"again.\r\n"},
		},
	.facts = {"Time", "Address", "Country", "Device", "Program"},
	.untold = "not told",
	.roughly = "roughly",
};

static const struct catalogue german = {
	.letters =
		{
			[ALERT_NEW_DEVICE] = {"Anmeldung von einem neuen Gerät",
				"Jemand hat sich bei Ihrem Konto von einem Gerät angemeldet, das "
				"bisher nicht\r\nbekannt war.\r\n",
				DE_SIGN_OUT},
			[ALERT_RECOVERY_CODE] = {"Anmeldung mit Ihrem Wiederherstellungscode",
				"Jemand hat sich bei Ihrem Konto mit dem Wiederherstellungscode "
				"angemeldet.\r\n",
				DE_SIGN_OUT},
			[ALERT_FACTOR_REMOVED] = {"Ein zweiter Faktor wurde entfernt",
				"Jemand, der angemeldet war und das Passwort kannte, hat einen "
				"zweiten Faktor\r\nvon Ihrem Konto entfernt.\r\n",
				"Wenn das nicht gewollt war, melden Sie sich an, ändern Sie Ihr "
				"Passwort und\r\nfügen Sie wieder einen hinzu.\r\n"},
			[ALERT_FACTORS_CLEARED] = {"Ihre zweiten Faktoren wurden entfernt",
				"Der Betreiber hat alle zweiten Faktoren von Ihrem Konto "
				"entfernt.\r\n",
				"Wenn Sie nicht darum gebeten haben, sprechen Sie mit dem "
				"Betreiber. Melden Sie\r\nsich dann an und fügen Sie wieder einen "
				"hinzu.\r\n"},
			[ALERT_PASSWORD] = {"Ihr Passwort wurde geändert",
				"Das Passwort Ihres Kontos wurde geändert. Alle anderen "
				"Web-Sitzungen wurden\r\nabgemeldet.\r\n",
				"Wenn Sie es nicht waren, melden Sie sich mit dem "
				"Wiederherstellungscode\r\nan und ändern Sie es noch einmal.\r\n"},
		},
	.facts = {"Zeit", "Adresse", "Land", "Gerät", "Programm"},
	.untold = "nicht angegeben",
	.roughly = "ungefähr",
};

static const struct catalogue french = {
	.letters =
		{
			[ALERT_NEW_DEVICE] = {"Connexion depuis un nouvel appareil",
				"Quelqu’un s’est connecté à votre compte depuis un appareil "
				"inconnu\r\njusqu’ici.\r\n",
				FR_SIGN_OUT},
			[ALERT_RECOVERY_CODE] = {"Connexion avec votre code de secours",
				"Quelqu’un s’est connecté à votre compte avec le code de "
				"secours.\r\n",
				FR_SIGN_OUT},
			[ALERT_FACTOR_REMOVED] = {"Un second facteur a été retiré",
				"Quelqu’un qui était connecté et connaissait le mot de passe a "
				"retiré un second\r\nfacteur de votre compte.\r\n",
				"Si ce n’était pas voulu, connectez-vous, changez votre mot de "
				"passe et\r\najoutez-en un de nouveau.\r\n"},
			[ALERT_FACTORS_CLEARED] = {"Vos seconds facteurs ont été retirés",
				"L’opérateur a retiré tous les seconds facteurs de votre "
				"compte.\r\n",
				"Si vous ne l’avez pas demandé, parlez à l’opérateur. Puis "
				"connectez-vous et\r\najoutez-en un de nouveau.\r\n"},
			[ALERT_PASSWORD] = {"Votre mot de passe a été changé",
				"Le mot de passe de votre compte a été changé. Toutes les autres "
				"sessions web\r\nont été fermées.\r\n",
				"Si ce n’était pas vous, connectez-vous avec votre code de secours "
				"et\r\nchangez-le encore une fois.\r\n"},
		},
	.facts = {"Heure", "Adresse", "Pays", "Appareil", "Programme"},
	.untold = "non indiqué",
	.roughly = "à peu près",
};

static const struct catalogue *
catalogue(enum web_language language)
{
	return language == WEB_GERMAN ? &german : language == WEB_FRENCH ? &french : &english;
}

const struct alert_text *
alert_text(enum web_language language, enum alert which)
{
	return &catalogue(language)->letters[which];
}

const char *
alert_fact(enum web_language language, enum alert_fact which)
{
	return catalogue(language)->facts[which];
}

const char *
alert_untold(enum web_language language)
{
	return catalogue(language)->untold;
}

const char *
alert_roughly(enum web_language language)
{
	return catalogue(language)->roughly;
}
