package contract

import "fmt"

func objectChecks(schema keywords, at compiling) (checks []check, err error) {
	for _, part := range []func(keywords, compiling) ([]check, error){requiredCheck, propertiesCheck, namesCheck} {
		made, err := part(schema, at)
		if err != nil {
			return nil, err
		}
		checks = append(checks, made...)
	}
	sizes, err := bounded(schema, at, "minProperties", "maxProperties", "properties", func(value any) (int, bool) {
		object, is := value.(map[string]any)
		return len(object), is
	})
	return append(checks, sizes...), err
}

func requiredCheck(schema keywords, at compiling) ([]check, error) {
	given, found := schema["required"]
	if !found {
		return nil, nil
	}
	required, isList := textsOf(given)
	if !isList {
		return nil, at.within("required").refuse("no list of texts")
	}
	return []check{func(value any, f *finding) {
		object, is := value.(map[string]any)
		if !is {
			return
		}
		for _, key := range required {
			if _, found := object[key]; !found {
				f.within(key, func() { f.add("it is missing") })
			}
		}
	}}, nil
}

func textsOf(given any) (texts []string, ok bool) {
	list, isList := given.([]any)
	for _, each := range list {
		text, isText := each.(string)
		if !isText {
			return nil, false
		}
		texts = append(texts, text)
	}
	return texts, isList
}

func propertiesCheck(schema keywords, at compiling) ([]check, error) {
	given, has := schema["properties"]
	further, hasFurther := schema["additionalProperties"]
	if !has && !hasFurther {
		return nil, nil
	}
	properties, isObject := given.(map[string]any)
	if has && !isObject {
		return nil, at.within("properties").refuse("no object")
	}
	own := map[string]check{}
	for key, each := range properties {
		made, err := compileAt(each, at.within("properties", key))
		if err != nil {
			return nil, err
		}
		own[key] = made
	}
	rest, err := furtherCheck(further, hasFurther, at)
	if err != nil {
		return nil, err
	}
	return []check{func(value any, f *finding) {
		object, is := value.(map[string]any)
		if !is {
			return
		}
		for _, key := range sortedKeys(object) {
			look := own[key]
			if look == nil {
				look = rest
			}
			f.within(key, func() { look(object[key], f) })
		}
	}}, nil
}

func furtherCheck(schema any, has bool, at compiling) (check, error) {
	switch {
	case !has:
		return func(any, *finding) {}, nil
	case schema == false:
		return func(_ any, f *finding) { f.add("there is no such property") }, nil
	default:
		return compileAt(schema, at.within("additionalProperties"))
	}
}

func namesCheck(schema keywords, at compiling) ([]check, error) {
	given, found := schema["propertyNames"]
	if !found {
		return nil, nil
	}
	names, err := compileAt(given, at.within("propertyNames"))
	if err != nil {
		return nil, err
	}
	return []check{func(value any, f *finding) {
		object, _ := value.(map[string]any)
		for _, key := range sortedKeys(object) {
			if !f.fits(key, names) {
				f.within(key, func() { f.add("no property may have that name") })
			}
		}
	}}, nil
}

func listChecks(schema keywords, at compiling) ([]check, error) {
	checks, err := itemsCheck(schema, at)
	if err != nil {
		return nil, err
	}
	sizes, err := bounded(schema, at, "minItems", "maxItems", "items", func(value any) (int, bool) {
		list, is := value.([]any)
		return len(list), is
	})
	checks = append(checks, sizes...)
	if schema["uniqueItems"] == true {
		checks = append(checks, areUnique)
	}
	return checks, err
}

func itemsCheck(schema keywords, at compiling) ([]check, error) {
	items, hasItems := schema["items"]
	given, hasFirst := schema["prefixItems"]
	if !hasItems && !hasFirst {
		return nil, nil
	}
	prefix, isList := given.([]any)
	if hasFirst && !isList {
		return nil, at.within("prefixItems").refuse("no list")
	}
	first := make([]check, len(prefix))
	var err error
	for index, each := range prefix {
		if first[index], err = compileAt(each, at.within("prefixItems", fmt.Sprint(index))); err != nil {
			return nil, err
		}
	}
	rest := func(_ any, f *finding) { f.add("there is no such item") }
	if !hasItems {
		rest = func(any, *finding) {}
	} else if items != false {
		if rest, err = compileAt(items, at.within("items")); err != nil {
			return nil, err
		}
	}
	return []check{func(value any, f *finding) {
		list, _ := value.([]any)
		for index, each := range list {
			if len(f.issues) >= maxIssues {
				return
			}
			look := rest
			if index < len(first) {
				look = first[index]
			}
			f.within(index, func() { look(each, f) })
		}
	}}, nil
}

func areUnique(value any, f *finding) {
	list, _ := value.([]any)
	known := map[string]bool{}
	for _, each := range list {
		known[keyOf(each)] = true
	}
	if len(known) < len(list) {
		f.add("an item is there twice")
	}
}
