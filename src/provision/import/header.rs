//! What the names in a CSV file's header mean: Latchkey's own, and those in the exports of Entra ID, Microsoft 365, Okta,
//! Google Workspace and Google Contacts.
//!
//! Case, white space and punctuation do not matter, and a note in brackets, square or round, as in `Email Address [Required]`,
//! counts only where the words before it mean nothing. A column of such an export that an invitation has no use for is passed over; the
//! answer to a dry run says so. A name that nobody knows is an error: a misspelled `groups` would leave everybody out.

use serde::Serialize;

use crate::base::text::cut;
use crate::provision::import::Unreadable;
use crate::provision::import::claims;
use crate::provision::import::row::Column;

/// The use of a column of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// Its cells are values of this.
    Attribute(Column),
    /// Whether the account is in use, as these words say: whoever's is not is not invited.
    InUse(&'static [&'static str]),
    /// The password.
    Password,
    /// WSO2's claims, each in a cell `claimuri=value`.
    Claims,
    /// Something else that these exports have.
    PassedOver,
    /// It has no name, and should have no values.
    Nameless,
}

/// A column and what it became: for the answer to a dry run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Mapped {
    /// Its name as the file has it, without the white space around it.
    pub header: String,
    /// The attribute, or none where it is passed over.
    pub attribute: Option<&'static str>,
}

/// A header that is understood.
#[derive(Clone, Debug)]
pub struct Header {
    /// The names of the columns, as the file has them.
    pub names: Vec<String>,
    /// The use of each column.
    pub uses: Vec<Use>,
    /// The mapping of the columns that have names, for the report.
    pub mapped: Vec<Mapped>,
    /// Whether the address is the user name too: Google's files have no other.
    pub email_is_user_name: bool,
}

/// The words for each attribute, as [`key`] has them.
const WORDS: &[(Column, &str)] = &[
    (
        Column::UserName,
        "username login loginname logonname signinname userprincipalname upn oktausername profilelogin userlogin \
         preferredusername samaccountname httpwso2orgclaimsusername",
    ),
    (
        Column::Email,
        "email mail emailaddress mailaddress primaryemail primaryemailaddress workemail email1 email1value email1address \
         emails emailsvalue profileemail useremail emailaddresses httpwso2orgclaimsemailaddress",
    ),
    (
        Column::GivenName,
        "givenname firstname forename namegivenname profilefirstname userfirstname httpwso2orgclaimsgivenname",
    ),
    (
        Column::FamilyName,
        "familyname lastname surname sn namefamilyname profilelastname userlastname httpwso2orgclaimslastname",
    ),
    (Column::Locale, "locale profilelocale userlocale"),
    (Column::Groups, "groups groupnames"),
];

/// Words for the language that count where no column is a locale by name.
const LANGUAGES: &str = "preferredlanguage language profilepreferredlanguage userpreferredlanguage";

/// Words of Google's for an address, which is how one signs in there.
const GOOGLE_ADDRESSES: &str = "emailaddressrequired email1value";

/// Columns that say whether an account is in use, and the words for those that are.
const IN_USE: &[(&str, &[&str])] = &[
    ("accountenabled active enabled", &["true", "yes", "y", "1", "enabled", "active"]),
    ("blocksignin blocksigninyesno blockcredential blocked suspended disabled", &["false", "no", "n", "0"]),
    (
        "status profilestatus userstatus accountstatus",
        &["active", "enabled", "staged", "provisioned", "recovery", "password_expired"],
    ),
];

/// The other columns of these exports, which are passed over.
const PASSED_OVER: &str = "\
    2svenforced 2svenrolled accountstate activated additionalname additionalnameyomi address advancedprotectionprogramenrollment agegroup \
    alias aliases alternateemail alternateemailaddress archived billinginformation birthday buildingid businessphone \
    changepasswordatnextsignin city company companyname consentprovidedforminor costcenter country countrycode countryorregion countryregion \
    created createddate createddatetime creationtime creationtype department directoryserver directorysynced dirsyncenabled \
    displayname division driveusage emaildisplayname emailtype emailusage employeeid employeenumber employeetitle employeetype \
    externalid familynameyomi fax fileas floorname floorsection fullname geminienterprise gender givennameyomi gmailusage groupmembership hobby \
    homeaddress homephone homesecondaryemail importline importreason importstatus honorificprefix honorificsuffix httpwso2orgclaimsmobile id identities \
    identityissuer initialpassword initials invitationstate jobtitle labels lastdirsynctime lastlogin lastlogindate \
    lastpasswordchangetimestamp lastsignin lastsignintime lastupdated legalagegroupclassification licenseassignmentdetails \
    licenses location locked maidenname manager manageremail managerid middlename mileage mobile mobilephone name nameprefix \
    namesuffix newpassword newprimaryemail newstatus nickname notes oathtokenmetadata objectid occupation office \
    officelocation officenumber officephone onpremisessyncenabled organization organizationdepartment organizationname \
    organizationtitle orgunitpath othermails password passwordhashfunction passwordneverexpires passwordprofile phone \
    phonenumber phoneticfirstname phoneticlastname phoneticmiddlename photo physicaldeliveryofficename postaladdress \
    postalcode preferreddatalocation primaryphone priority profileurl proxyaddresses recoveryemail recoveryphone releasetrack \
    role roles secondaryemail secondemail sensitivity shortname softdeletiontimestamp state stateorprovince statuschanged \
    storagelimit storageused street streetaddress strongpasswordrequired subject telephonenumber timezone title usagelocation \
    userid userstate usertype whencreated workaddress workphone worksecondaryemail yominame zip zipcode ziporpostalcode";

/// Google Contacts numbers these, as in `Phone 2 - Value`.
const NUMBERED: [&str; 9] =
    ["address", "customfield", "email", "event", "im", "organization", "phone", "relation", "website"];

fn has(words: &str, word: &str) -> bool {
    words.split_ascii_whitespace().any(|known| known == word)
}

/// The letters and digits of a name, in lower case.
fn key(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// The words that a header may be known by, the likelier first: without the note in brackets, the note, the whole.
fn keys(name: &str) -> Vec<String> {
    let note = [('[', ']'), ('(', ')')].into_iter().find_map(|(open, close)| {
        let (before, rest) = name.split_once(open)?;
        let (note, after) = rest.split_once(close)?;
        Some((key(&format!("{before} {}", after.trim().trim_end_matches("Required"))), key(note)))
    });
    let whole = key(name);
    note.map_or_else(Vec::new, |(before, note)| vec![before, note]).into_iter().chain([whole]).collect()
}

fn meaning(word: &str) -> Option<Use> {
    let attribute = WORDS.iter().find(|(_, words)| has(words, word)).map(|(column, _)| Use::Attribute(*column));
    attribute
        .or_else(|| IN_USE.iter().find(|(words, _)| has(words, word)).map(|(_, values)| Use::InUse(values)))
        .or_else(|| {
            let numbered = NUMBERED.iter().any(|start| {
                word.strip_prefix(start).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
            });
            (numbered || has(PASSED_OVER, word)).then_some(Use::PassedOver)
        })
}

fn use_of(name: &str) -> Option<Use> {
    if name.trim().is_empty() {
        return Some(Use::Nameless);
    }
    // The names of docs/import.md first, so that nothing below can take them.
    if let Some(column) = Column::parse(name).or_else(|| claims::of_uri(name)) {
        return Some(Use::Attribute(column));
    }
    match name.trim().to_ascii_lowercase().as_str() {
        "password" => return Some(Use::Password),
        "claim" | "claims" => return Some(Use::Claims),
        _ => {}
    }
    let keys = keys(name);
    if keys.iter().any(|key| has(LANGUAGES, key)) {
        return Some(Use::PassedOver);
    }
    let is_for_google_alone =
        ["[READ ONLY]", "[UPLOAD ONLY]"].iter().any(|note| name.to_ascii_uppercase().contains(note));
    keys.iter().find_map(|key| meaning(key)).or(is_for_google_alone.then_some(Use::PassedOver))
}

/// How many columns of a header are known: what tells which character separates them.
#[must_use]
pub fn known(cells: &[String]) -> usize {
    let is_known = |name: &&String| {
        claims::local(name.trim()).is_some() || use_of(name).is_some_and(|known| known != Use::Nameless)
    };
    cells.iter().filter(is_known).count()
}

/// The uses of Asgardeo's columns, which are all called as WSO2's claims are, in lower case; elsewhere many of these words mean
/// something else.
fn asgardeos(names: &[String]) -> Option<Vec<Use>> {
    let use_of_claim = |name: &String| match name.trim() {
        "" => Some(Use::Nameless),
        name => claims::local(name).map(Use::Attribute),
    };
    let uses: Vec<Use> = names.iter().map(use_of_claim).collect::<Option<_>>()?;
    uses.contains(&Use::Attribute(Column::UserName)).then_some(uses)
}

impl Use {
    /// Its name where a mapping is kept or chosen.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Attribute(column) => column.name(),
            Self::InUse(_) => "in use",
            Self::Password => "password",
            Self::Claims => "claims",
            Self::PassedOver | Self::Nameless => "",
        }
    }

    /// Reads what [`Use::name`] answers, of a column with this name.
    fn named(text: &str, column: &str) -> Option<Self> {
        match text {
            "" if column.trim().is_empty() => Some(Self::Nameless),
            "" => Some(Self::PassedOver),
            "password" => Some(Self::Password),
            "claims" => Some(Self::Claims),
            "in use" => {
                keys(column).iter().find_map(|key| meaning(key)).filter(|found| matches!(found, Self::InUse(_)))
            }
            name => Column::named(name).map(Self::Attribute),
        }
    }
}

impl Header {
    /// Reads the names of a header.
    ///
    /// # Errors
    /// [`Unreadable::Malformed`]: a name that nobody knows, an attribute that two columns give, or no user name.
    pub fn read(names: &[String]) -> Result<Self, Unreadable> {
        if let Some(uses) = asgardeos(names) {
            return Self::of(names, uses, false);
        }
        let uses: Vec<Option<Use>> = guessed(names);
        let mut known = Vec::with_capacity(names.len());
        for (name, used) in names.iter().zip(uses) {
            let Some(used) = used else {
                return Err(Unreadable::malformed(format!(
                    "The header has a column '{}'. The columns are {}, separated by commas, semicolons, tabs or '|'; \
                     docs/import.md has the names of other programs that are known too.",
                    shorten(name),
                    Column::names()
                )));
            };
            known.push(used);
        }
        let is_address = |used: &Use| *used == Use::Attribute(Column::Email);
        let is_googles = |name: &str| has(GOOGLE_ADDRESSES, &key(name)) && !name.contains('(');
        let email_may_be_user_name = names.iter().zip(&known).any(|(name, used)| is_address(used) && is_googles(name));
        Self::of(names, known, email_may_be_user_name)
    }

    /// The header of a file whose columns are used as somebody says, by the names of their uses. Where none is the user name,
    /// the address is.
    ///
    /// # Errors
    /// [`Unreadable::Malformed`]: an attribute that two columns give, or no user name; what a column is to be is not known.
    pub fn mapped(names: &[String], uses: &[String]) -> Result<Self, Unreadable> {
        let used = |(index, name): (usize, &String)| Use::named(uses.get(index).map_or("", String::as_str), name);
        let known: Option<Vec<Use>> = names.iter().enumerate().map(used).collect();
        let known = known.ok_or_else(|| Unreadable::malformed("Choose for each column what it is, from the list."))?;
        Self::of(names, known, true)
    }

    fn of(names: &[String], uses: Vec<Use>, email_may_be_user_name: bool) -> Result<Self, Unreadable> {
        for (index, used) in uses.iter().enumerate() {
            if let Use::Attribute(column) = used
                && let Some(earlier) = uses[..index].iter().position(|earlier| earlier == used)
            {
                return Err(Unreadable::malformed(format!(
                    "The header has the column {} twice: '{}' and '{}'.",
                    column.name(),
                    shorten(&names[earlier]),
                    shorten(&names[index])
                )));
            }
        }
        let finds = |column: Column| uses.contains(&Use::Attribute(column));
        let email_is_user_name = !finds(Column::UserName) && email_may_be_user_name && finds(Column::Email);
        if !finds(Column::UserName) && !email_is_user_name {
            let detail = format!("The header has no column userName. The columns are {}.", Column::names());
            return Err(Unreadable::malformed(detail));
        }
        let mut mapped = Vec::with_capacity(names.len());
        for (name, used) in names.iter().zip(&uses).filter(|(_, used)| **used != Use::Nameless) {
            let attribute = match used {
                Use::Attribute(column) => Some(column.name()),
                _ => None,
            };
            if email_is_user_name && *used == Use::Attribute(Column::Email) {
                mapped.push(Mapped { header: shorten(name), attribute: Some(Column::UserName.name()) });
            }
            mapped.push(Mapped { header: shorten(name), attribute });
        }
        Ok(Self { names: names.to_vec(), uses, mapped, email_is_user_name })
    }
}

/// The uses of columns as their names tell them; `None` where one tells nothing.
#[must_use]
pub fn guessed(names: &[String]) -> Vec<Option<Use>> {
    if let Some(uses) = asgardeos(names) {
        return uses.into_iter().map(Some).collect();
    }
    let mut uses: Vec<Option<Use>> = names.iter().map(|name| use_of(name)).collect();
    if !uses.contains(&Some(Use::Attribute(Column::Locale))) {
        let language = names.iter().position(|name| keys(name).iter().any(|key| has(LANGUAGES, key)));
        if let Some(used) = language.and_then(|at| uses.get_mut(at)) {
            *used = Some(Use::Attribute(Column::Locale));
        }
    }
    uses
}

fn shorten(name: &str) -> String {
    cut(name.trim(), 80)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(names: &str) -> Result<Vec<(String, Option<&'static str>)>, String> {
        let names: Vec<String> = names.split(',').map(str::to_owned).collect();
        let header = Header::read(&names).map_err(|why| why.to_string())?;
        Ok(header.mapped.into_iter().map(|mapped| (mapped.header, mapped.attribute)).collect())
    }

    /// The attributes of the columns that are not passed over.
    fn attributes(names: &str) -> Vec<&'static str> {
        read(names).expect(names).into_iter().filter_map(|(_, attribute)| attribute).collect()
    }

    #[test]
    fn exports_of_other_directories_are_understood() {
        let all = ["userName", "email", "givenName", "familyName"];
        for names in [
            "Username,Email,First name,Last name",
            "Login,E-mail,First Name,Last Name",
            "User principal name,Mail,Given name,Surname",
            "user_name,e_mail,first_name,last_name",
            "USERNAME,EMAIL ADDRESS,FIRSTNAME,SURNAME",
            "User name [userPrincipalName] Required,Email,First name [givenName],Last name [surname]",
            "profile.login,profile.email,profile.firstName,profile.lastName",
            "login,E-mail 1 - Value,First Name,Last Name",
            "userName,emails.value,name.givenName,name.familyName",
            "UserPrincipalName,E-mail Address,Forename,Family name",
        ] {
            assert_eq!(attributes(names), all, "{names}");
        }
        assert_eq!(
            attributes(
                "userPrincipalName,displayName,surname,mail,givenName,id,userType,jobTitle,department,\
                 accountEnabled,usageLocation,streetAddress,state,country,officeLocation,city,postalCode,telephoneNumber,\
                 mobilePhone,alternateEmailAddress,ageGroup,consentProvidedForMinor,legalAgeGroupClassification,\
                 companyName,creationType,directorySynced,invitationState,identityIssuer,createdDateTime"
            ),
            ["userName", "familyName", "email", "givenName"]
        );
        assert_eq!(
            attributes(
                "login,firstName,lastName,middleName,honorificPrefix,honorificSuffix,email,title,displayName,\
                 nickName,profileUrl,secondEmail,mobilePhone,primaryPhone,streetAddress,city,state,zipCode,countryCode,\
                 postalAddress,preferredLanguage,locale,timezone,userType,employeeNumber,costCenter,organization,\
                 division,department,managerId,manager"
            ),
            ["userName", "givenName", "familyName", "email", "locale"]
        );
        assert_eq!(
            attributes(
                "First Name [Required],Last Name [Required],Email Address [Required],Password [Required],\
                 Password Hash Function [UPLOAD ONLY],Org Unit Path [Required],New Primary Email [UPLOAD ONLY],\
                 Status [READ ONLY],Last Sign In [READ ONLY],Recovery Email,Work Phone,Employee ID,\
                 Change Password at Next Sign-In,New Status [UPLOAD ONLY]"
            ),
            ["givenName", "familyName", "userName", "email"],
            "Google's address is how one signs in"
        );
        assert_eq!(
            attributes(
                "First Name,Middle Name,Last Name,Nickname,Labels,E-mail 1 - Label,E-mail 1 - Value,\
                 E-mail 2 - Label,E-mail 2 - Value,Phone 1 - Label,Phone 1 - Value"
            ),
            ["givenName", "familyName", "userName", "email"]
        );
    }

    #[test]
    fn other_names_of_real_exports_are_known() {
        let all = ["userName", "email", "givenName", "familyName"];
        for names in [
            "http://wso2.org/claims/username,http://wso2.org/claims/emailaddress,http://wso2.org/claims/givenname,\
             http://wso2.org/claims/lastname",
            "preferred_username,Email Addresses,given_name,family_name",
            "sAMAccountName,mail,givenName,sn",
            "userName (required),email (optional),First name (given name),Last name (Required)",
        ] {
            assert_eq!(attributes(names), all, "{names}");
        }
        assert_eq!(
            attributes(
                "Username,Mobile,User ID,Full name,Phone,Company,Zip,Street,Business Phone,externalId,External ID,Role,\
                 Roles,Alias,Aliases,E-mail Display Name,E-mail Type,Last Sign In Time,Creation Time,Created Date,\
                 Last Login Date,New Password,Archived,Locked"
            ),
            ["userName"]
        );
        // What Google adds to its export one year, others do not know the next.
        assert_eq!(
            attributes(
                "Email Address [Required],Photos Usage [READ ONLY],New Licenses [UPLOAD ONLY],Total Storage [read only],\
                 Gemini Limit Status [READ ONLY],Gemini Enterprise,Country/Region"
            ),
            ["userName", "email"]
        );
        for bad in [
            "Photos Usage (READ ONLY),userName",
            "Email Address (required)",
            "userName,group (optional)",
            "userName,(required)",
            "name (userName,email",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_language_is_a_locale_where_nothing_else_is() {
        assert_eq!(attributes("userName,Preferred language"), ["userName", "locale"]);
        assert_eq!(attributes("userName,Language,preferredLanguage"), ["userName", "locale"]);
        assert_eq!(
            read("preferredLanguage,userName,locale").expect("it").first(),
            Some(&("preferredLanguage".to_owned(), None))
        );
    }

    #[test]
    fn what_a_header_leaves_unclear_is_told() {
        assert!(read("userName,group").is_err_and(|why| why.contains("'group'")));
        assert!(read("userName,Vorname").is_err_and(|why| why.contains("'Vorname'")));
        assert!(read("email,First name").is_err_and(|why| why.contains("userName")));
        assert!(read("Login,Username").is_err_and(|why| why.contains("twice: 'Login' and 'Username'")));
        assert!(read("userName,Email,mail").is_err_and(|why| why.contains("twice")));
        assert!(read("userName,-").is_err_and(|why| why.contains("'-'")));
        assert_eq!(attributes("userName,,email, ,"), ["userName", "email"], "a column without a name says nothing");
    }
}
